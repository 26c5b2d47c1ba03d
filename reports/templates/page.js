"use strict";
(() => {
  const P = JSON.parse(document.getElementById("payload").textContent);
  const $ = (id) => document.getElementById(id);
  const B = P.backbones, M = P.measures;
  const minus = (text) => text.replace(/-/g, "−");

  // ---- words and numbers -------------------------------------------------------------------------
  const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
  const figures = (value, digits = 3) => minus(Number(value).toLocaleString("en", { maximumSignificantDigits: digits, minimumSignificantDigits: digits, useGrouping: false }));
  const whole = (n) => n.toLocaleString("en");
  const steps = (value, table) => { const [scale, unit] = table.find(([s]) => Math.abs(value) >= s) || table.at(-1); return `${figures(value / scale)}\u00a0${unit}`.trim(); };
  const WRITE = {
    count: (v) => (Number.isInteger(v) && Math.abs(v) < 1e4 ? whole(v) : Math.abs(v) < 1000 ? figures(v) : steps(v, [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]])),
    seconds: (v) => steps(v, [[1, "s"], [1e-3, "ms"], [1e-6, "µs"]]),
    bytes: (v) => steps(v, [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]),
    share: (v) => `${(100 * v).toFixed(1)}\u00a0%`,
    pixels: (v) => whole(v),
  };
  const TICKS = { count: ["~s", ""], seconds: ["~s", "s"], bytes: ["~s", "B"], share: ["~%", ""], pixels: ["", ""] };
  const missing = (v) => v === null || v === undefined;
  const write = (key, v) => (missing(v) ? "–" : WRITE[M[key].unit](v));
  const amount = (key, v) => write(key, v) + (M[key].unit === "count" ? ` ${key === "macs" ? "MACs" : M[key].short.toLowerCase()}` : "");
  const percent = (v, places = 1) => (missing(v) ? "–" : minus(`${(100 * v).toFixed(places)}\u00a0%`));
  const points = (v) => minus(`${(100 * v).toFixed(1)}`) + " points";
  const lower = (text) => (/^[A-Z][a-z -]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text);
  const nameOf = (i) => B.name[P.model.backbone[i]] + (P.model.tag[i] ? `.${P.model.tag[i]}` : "");
  const many = (n, one, more = `${one}s`) => `${whole(n)} ${n === 1 ? one : more}`;
  const listed = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

  // ---- state: what the filter bar says, kept in the page's address --------------------------------
  const START = P.start;
  const state = { data: START.data, cost: START.cost, stat: START.stat, kind: "", q: "", family: [], theme: "" };
  function readHash() {
    const given = new URLSearchParams(location.hash.slice(1));
    Object.assign(state, { kind: "", q: "", family: [], data: START.data, cost: START.cost, stat: START.stat });
    for (const key of ["data", "cost", "stat", "kind", "q", "theme"]) if (given.has(key)) state[key] = given.get(key);
    state.family = (given.get("family") || "").split(",").filter((f) => P.families.includes(f));
    if (!P.sets.some((s) => s.key === state.data)) state.data = START.data;
    if (!P.kinds.includes(state.kind)) state.kind = "";
  }
  function writeHash() {
    const out = new URLSearchParams();
    for (const key of ["data", "cost", "stat"]) if (state[key] !== START[key]) out.set(key, state[key]);
    for (const key of ["kind", "q", "theme"]) if (state[key]) out.set(key, state[key]);
    if (state.family.length) out.set("family", state.family.join(","));
    const text = out.toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  }
  const set = () => P.sets.find((s) => s.key === state.data);
  const wanted = () => new Set(state.family.map((f) => P.families.indexOf(f)));
  function accepts() {
    const families = wanted(), kind = P.kinds.indexOf(state.kind), words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    return (backbone, name) => (!families.size || families.has(B.family[backbone])) && (kind < 0 || B.kind[backbone] === kind)
      && words.every((w) => name.toLowerCase().includes(w));
  }
  const valuesOf = (s, key) => (M[key].of === "result" ? s.own[key] : s.model.map((m) => M[key].values[P.model.backbone[m]]));
  const has = (s, key) => key in s.trends;

  // ---- looks -------------------------------------------------------------------------------------
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const dark = () => !printing && (state.theme ? state.theme === "dark" : systemDark.matches);
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  /** Models per family in the chosen data set. */
  function counts() {
    const n = new Map();
    for (const m of set().model) { const f = B.family[P.model.backbone[m]]; n.set(f, (n.get(f) || 0) + 1); }
    return n;
  }
  /** Family index → mark. Families of the page's palette keep theirs; marks that are free here go to what else is shown. */
  function marks() {
    const here = counts(), chosen = [...wanted()], bySize = [...here.keys()].sort((a, b) => here.get(b) - here.get(a) || a - b);
    const shown = chosen.length ? chosen : [...new Set([...P.coloured.filter((f) => here.has(f)), ...bySize])].slice(0, P.marks.length);
    const byFamily = new Map(), free = new Set(P.marks.keys());
    for (const f of shown) { const i = P.coloured.indexOf(f); if (i >= 0) { byFamily.set(f, P.marks[i]); free.delete(i); } }
    for (const f of shown) if (!byFamily.has(f) && free.size) { const [i] = free; byFamily.set(f, P.marks[i]); free.delete(i); }
    return byFamily;
  }
  const colour = (mark) => (dark() ? mark.dark : mark.light);
  const narrow = () => window.innerWidth < 700;
  function layout(extra) {
    const base = structuredClone(P.layout), ink = css("--ink"), soft = css("--soft"), grid = css("--grid"), line = css("--line");
    base.font.color = soft; base.title.font.color = soft;
    for (const axis of ["xaxis", "yaxis"]) Object.assign(base[axis], { gridcolor: grid, linecolor: line, tickcolor: line });
    base.hoverlabel = { ...base.hoverlabel, bgcolor: css("--card"), bordercolor: line, font: { ...base.hoverlabel.font, color: ink } };
    base.modebar = { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: ink };
    if (narrow()) { base.font.size = 12; Object.assign(base.margin, { l: 40, r: 8 }); }
    extra(base);
    return base;
  }
  function xAxis(base, key, xs) {
    const m = M[key], [format, suffix] = TICKS[m.unit], log = m.log;
    base.xaxis.title.text = m.label + (log ? ", logarithmic" : "");
    Object.assign(base.xaxis, { type: log ? "log" : "linear", tickformat: format, ticksuffix: suffix });
    if (log && xs.length) {
      const low = Math.log10(Math.min(...xs)), high = Math.log10(Math.max(...xs)), pad = 0.04 * (high - low || 1);
      base.xaxis.range = [low - pad, high + pad];
      base.xaxis.dtick = high - low > 1.2 ? (high - low > 3.2 && narrow() ? 1 : "D2") : undefined;
    }
  }
  // plotly's symbols differ in area at equal size
  const BOOST = { "triangle-up": 1.3, "triangle-down": 1.3, star: 1.35, diamond: 1.1, cross: 1.1 };
  const size = () => (narrow() ? 6.5 : 8);

  // ---- the points of the chosen data set under the filter -------------------------------------------
  function cloud(key) {
    const s = set(), xs = valuesOf(s, key), ok = accepts(), groups = new Map();
    const coloured = marks();
    let shown = 0;
    s.model.forEach((m, i) => {
      if (missing(xs[i]) || (M[key].log && xs[i] <= 0)) return;
      const b = P.model.backbone[m];
      if (!ok(b, nameOf(m))) return;
      const f = coloured.has(B.family[b]) ? B.family[b] : -1;
      if (!groups.has(f)) groups.set(f, []);
      groups.get(f).push(i);
      shown += 1;
    });
    const total = xs.filter((x) => !missing(x) && (!M[key].log || x > 0)).length;
    return { s, xs, groups, coloured, shown, total };
  }
  function pointTraces({ s, xs, groups, coloured }, key) {
    const order = [...groups.keys()].sort((a, b) => (a < 0 ? -1 : b < 0 ? 1 : 0));
    return order.map((f) => {
      const mark = f < 0 ? P.grey : coloured.get(f), rows = groups.get(f);
      return {
        type: "scatter", mode: "markers", name: f < 0 ? "other families" : escape(P.families[f]),
        x: rows.map((i) => xs[i]), y: rows.map((i) => s.error[i]),
        text: rows.map((i) => {
          const m = s.model[i], b = P.model.backbone[m];
          const tag = P.model.tag[m] ? `<br>weights ${escape(P.model.tag[m])}` : "";
          const spread = missing(s.sd[i]) ? "" : ` ± ${percent(s.sd[i])}, ${s.runs[i]} runs`;
          return `<b>${escape(B.name[b])}</b>${tag}<br>${escape(P.families[B.family[b]])}, ${P.kinds[B.kind[b]]}<br>error ${percent(s.error[i], 2)}${spread}<br>${escape(M[key].label)}: ${write(key, xs[i])}`;
        }),
        hovertemplate: "%{text}<extra></extra>",
        marker: { color: colour(mark), symbol: mark.symbol, size: f < 0 ? size() - 2.5 : size() * (BOOST[mark.symbol] || 1), opacity: f < 0 ? 0.55 : 0.88, line: { width: f < 0 ? 0 : 0.6, color: css("--card") } },
      };
    });
  }
  const label = (s) => `Error (1 − ${s.metric}), lower is better`;
  const evaluated = (s) => `Results: table ${s.study}, ${s.recipe}.`;
  const spread = (s) => { const known = s.sd.filter((v) => !missing(v)).sort((a, b) => a - b); return known.length ? ` Repeated runs of one model differ by a standard deviation of ${points(known[Math.floor(known.length / 2)])} (median),` : " The errors are single results without an interval,"; };
  const outside = (c) => { const top = errorRange(c.s.error.filter((_, i) => !missing(c.xs[i])))[1], n = c.s.error.filter((e, i) => !missing(c.xs[i]) && e > top).length; return n ? `${many(n, "model")} with more than ${percent(top)} error ${n === 1 ? "lies" : "lie"} above the picture; double-click shows all. ` : ""; };
  const partly = (c) => outside(c) + (c.shown < c.total ? `${many(c.shown, "point")} of ${whole(c.total)} shown under the filter. ` : `n = ${whole(c.total)} models. `);

  // ---- chart 1: cost against error ---------------------------------------------------------------
  function drawCost(card) {
    const key = state.cost, c = cloud(key), { s, xs } = c, front = s.fronts[key] || [], chance = s.chances[key];
    const traces = pointTraces(c, key), ink = css("--ink");
    if (front.length) traces.push({
      type: "scatter", mode: "lines+markers", name: "Pareto front", x: front.map((i) => xs[i]), y: front.map((i) => s.error[i]),
      line: { color: ink, width: 1.4, shape: "hv" }, hoverinfo: "skip",
      marker: { color: "rgba(0,0,0,0)", size: size() + 5, line: { color: ink, width: 1.3 } },
    });
    const all = xs.filter((x) => !missing(x) && x > 0);
    const box = layout((base) => {
      xAxis(base, key, all);
      base.title.text = label(s);
      base.yaxis.range = errorRange(s.error.filter((_, i) => !missing(xs[i])));
      base.height = narrow() ? 380 : 500;
      base.annotations = frontLabels(front, s, xs, base, card);
    });
    const best = front.at(-1), near = front.find((i) => s.error[i] <= s.error[best] + 0.01);
    card.say(!front.length ? `No model of this data set has a value for ${lower(M[key].label)}.`
      : near === best ? `The lowest error is ${percent(s.error[best])}, by ${nameOf(s.model[best])}, and nothing cheaper comes within one point of it.`
        : `The lowest error is ${percent(s.error[best])}, by ${nameOf(s.model[best])}. Within one point of it, ${nameOf(s.model[near])} reaches ${percent(s.error[near])} with ${amount(key, xs[near])} instead of ${write(key, xs[best])}, ${figures(xs[best] / xs[near], 2)} times less.`,
    `${partly(c)}The stepped line is the Pareto front of all models of this data set, also of those the filter hides: nothing is both cheaper and better than a ringed model.${spread(s)} so neighbours on it may differ by chance${chance ? ": the numbers below say how often each stays when every error is drawn again within that noise" : ""}. Cost: ${M[key].source}. ${evaluated(s)}${s.gaps ? ` Mind the study’s own gaps: ${s.gaps}` : ""}`);
    card.numbers(["Model", "Family", M[key].label, "Error", "Runs", ...(chance ? ["Stays on the front"] : [])], () => front.map((i, place) => [nameOf(s.model[i]), P.families[B.family[P.model.backbone[s.model[i]]]], write(key, xs[i]), percent(s.error[i], 2) + (missing(s.sd[i]) ? "" : ` ± ${percent(s.sd[i])}`), s.runs[i], ...(chance ? [percent(chance[place], 0)] : [])]), 2);
    return Plotly.react(card.plot, traces, box, P.config);
  }
  function errorRange(errors) {
    const sorted = [...errors].sort((a, b) => a - b), low = sorted[0], high = sorted[Math.floor(0.985 * (sorted.length - 1))];
    const pad = 0.06 * (high - low || 0.1);
    return [Math.max(low - pad, low > 0 ? -pad : -0.01), high + pad];
  }
  /** Names beside the front's models, as many as fit without covering each other. */
  function frontLabels(front, s, xs, base, card) {
    const width = (card.plot.clientWidth || 900) - base.margin.l - base.margin.r, height = base.height - 90;
    const [x0, x1] = base.xaxis.range || [Math.min(...xs.filter((x) => !missing(x))), Math.max(...xs)], [y0, y1] = base.yaxis.range;
    const at = (x) => (M[state.cost].log ? Math.log10(x) : x);
    const boxes = [], notes = [];
    for (const i of narrow() ? [front[0], front.at(-1)].filter((v) => v !== undefined) : [...front].reverse()) {
      const text = B.name[P.model.backbone[s.model[i]]], px = ((at(xs[i]) - x0) / (x1 - x0)) * width, py = ((y1 - s.error[i]) / (y1 - y0)) * height;
      const w = 6.4 * text.length + 8, left = px - w < 4 ? px + 4 : px - w - 6, box = [left, py + 5, left + w, py + 22];
      if (py < 0 || box[2] > width || boxes.some((o) => box[0] < o[2] + 4 && o[0] < box[2] + 4 && box[1] < o[3] + 2 && o[1] < box[3] + 2)) continue;
      boxes.push(box);
      notes.push({ x: at(xs[i]), y: s.error[i], text: escape(text), showarrow: false, xanchor: left < px ? "right" : "left", yanchor: "top", xshift: left < px ? -6 : 6, yshift: -3, font: { size: 11.5, color: css("--ink") } });
    }
    return notes;
  }

  // ---- chart 2: error against a statistic, a line per family ----------------------------------------
  function drawTrends(card) {
    const key = state.stat, c = cloud(key), { s, xs, coloured } = c, m = M[key], chosen = wanted();
    const fits = (s.trends[key] || []).filter(([f]) => !chosen.size || chosen.has(f));
    const traces = pointTraces(c, key);
    for (const [f, n, slope, , , intercept, r2, low, high] of fits) {
      if (!coloured.has(f) || (state.kind && !familyHasKind(f))) continue;
      const at = [low, (low + high) / 2, high];
      traces.push({
        type: "scatter", mode: "lines", name: escape(P.families[f]), x: at.map((x) => (m.log ? 10 ** x : x)), y: at.map((x) => intercept + slope * x),
        line: { color: colour(coloured.get(f)), width: 2.4 }, hovertemplate: `<b>${escape(P.families[f])}</b>, n = ${n}<br>${perStep(slope, key)}<br>R² ${r2.toFixed(2)}<extra></extra>`,
      });
    }
    const ok = fits.filter((t) => coloured.has(t[0])), clear = ok.filter((t) => t[3] * t[4] > 0), falls = clear.filter((t) => t[2] < 0);
    const names = (list) => listed(list.map((t) => P.families[t[0]]));
    const what = lower(m.label.replace(/ \(.*\)/, ""));
    card.say(!ok.length ? `No shown family has five models with a value for ${what}.`
      : !clear.length ? `${ok.length === 1 ? "In the one family" : `In none of the ${whole(ok.length)} families`} drawn can${ok.length === 1 ? "not" : ""} the line be told from a flat one: by ${what} alone, more is neither better nor worse here.`
        : `Error falls clearly with ${what} in ${falls.length ? names(falls) : "none"} of the ${many(ok.length, "family", "families")} drawn${clear.length > falls.length ? `, and rises in ${names(clear.filter((t) => t[2] > 0))}` : ""}${clear.length < ok.length ? `; in ${names(ok.filter((t) => t[3] * t[4] <= 0))} the line cannot be told from a flat one` : ""}.`,
    `${partly(c)}Lines: ordinary least squares of the error on ${m.log ? "the logarithm of " : ""}${what}, for coloured families with at least five models, whatever the search hides; “clearly” means that the slope’s 95\u00a0% interval leaves out zero, family by family. Statistic: ${m.source}. ${evaluated(s)}`);
    card.numbers(["Family", "n", `Error points ${m.log ? "per tenfold" : `per 100 ${m.unit === "seconds" ? "s" : "units"}`}`, "95 % interval", "R²", "Slope", "Intercept"], () => fits.map(([f, n, slope, lo, hi, icept, r2]) => {
      const k = m.log ? 100 : 1e4;
      return [P.families[f], n, figures(k * slope), `${figures(k * lo)} to ${figures(k * hi)}`, r2.toFixed(3), figures(slope, 6), figures(icept, 6)];
    }), 1);
    return Plotly.react(card.plot, traces, layout((base) => {
      const used = xs.filter((x) => !missing(x) && (!m.log || x > 0));
      xAxis(base, key, used);
      base.title.text = label(s);
      base.yaxis.range = errorRange(s.error.filter((_, i) => !missing(xs[i])));
      base.height = narrow() ? 380 : 500;
    }), P.config);
  }
  const familyHasKind = (f) => B.family.some((g, b) => g === f && P.kinds[B.kind[b]] === state.kind);
  const perStep = (slope, key) => (M[key].log ? `${points(slope)} of error per tenfold` : `${points(100 * slope)} of error per 100 ${M[key].unit === "seconds" ? "s" : "units"}`);

  /** Where all models together and the families by themselves point in opposite directions (Simpson). */
  function paradox(H) {
    const [pooled, within] = [-1, -2].map((f) => H.rows.find((row) => row[0] === f)?.[1] || []);
    const apart = H.measures.map((key, k) => ({ key, a: pooled[k], b: within[k] })).filter(({ a, b }) => a && b && a[0] * b[0] < 0)
      .map((x) => ({ ...x, sure: x.a[1] * x.a[2] > 0 && x.b[1] * x.b[2] > 0 })).sort((x, y) => y.sure - x.sure || Math.abs(y.a[0] - y.b[0]) - Math.abs(x.a[0] - x.b[0]));
    if (!apart.length) return "";
    const signed = (v) => minus((v > 0 ? "+" : "") + v.toFixed(2)), { key, a, b, sure } = apart[0];
    const more = apart.length > 1 ? `; ${apart.length === 2 ? "one more statistic turns" : `${apart.length - 1} more statistics turn`} likewise` : "";
    return ` Mind Simpson’s paradox: with ${lower(P.heads[key].label.replace(/ \(.*\)/, ""))} r is ${signed(a[0])} over all models and ${signed(b[0])} within families${sure ? "" : " (one of the two may be chance)"}${more}.`;
  }

  // ---- chart 3: correlations -----------------------------------------------------------------------
  function drawHeat(card) {
    const s = set(), H = s.correlations, chosen = wanted();
    const rows = H.rows.filter(([f]) => f < 0 || ((!chosen.size || chosen.has(f)) && (!state.kind || familyHasKind(f))));
    const names = rows.map(([f]) => (f < 0 ? P.levels[-1 - f] : escape(P.families[f])));
    const keys = H.measures, heads = keys.map((k) => P.heads[k].short);
    const z = rows.map(([, cells]) => cells.map((c) => (c ? c[0] : null)));
    const text = rows.map(([, cells]) => cells.map((c) => (c ? minus(c[0].toFixed(2)).replace("0.", ".") + (c[4] < 0.05 ? "*" : "") : "")));
    const hover = rows.map(([, cells], r) => cells.map((c, k) => (c ? `<b>${names[r]}</b>, ${escape(lower(P.heads[keys[k]].label))}<br>Pearson’s r ${minus(c[0].toFixed(2))}, 95 % interval ${missing(c[1]) ? "–" : `${minus(c[1].toFixed(2))} to ${minus(c[2].toFixed(2))}`}<br>n = ${c[3]}, q = ${missing(c[4]) ? "–" : figures(c[4], 2)}` : `<b>${names[r]}</b><br>too few models`)));
    const flat = rows.filter(([f]) => f >= 0).flatMap(([f, cells]) => cells.map((c, k) => c && { f, k, c })).filter(Boolean), sure = flat.filter(({ c }) => c[4] < 0.05);
    const top = [...sure].sort((a, b) => Math.abs(b.c[0]) - Math.abs(a.c[0]) || b.c[3] - a.c[3])[0];
    card.say(!flat.length ? "No shown family has enough models for a correlation here."
      : `Of ${many(flat.length, "pair")} of family and statistic, ${sure.length ? many(sure.length, "stands", "stand") : "none stands"} out from chance${top ? `; the strongest is ${P.families[top.f]} with ${lower(P.heads[keys[top.k]].label.replace(/ \(.*\)/, ""))} (${minus(top.c[0].toFixed(2))}, n = ${top.c[3]})` : ""}.${paradox(H)}`,
    `Pearson’s r between the statistic (logarithm) and the log-odds of the error, over the models of a row. Blue: the larger, the lower the error; orange: the larger, the higher; empty: fewer than six models. “Within families” takes each family’s own mean out; where its sign differs from the row above it, the differences between families mislead. A star marks q < 0.05, allowing for every cell of every data set on this page. Intervals (hover, or numbers below) are 95\u00a0%, from leaving each architecture out in turn. The search does not act on this map. Statistics: table profiles. ${evaluated(s)}`);
    card.numbers(["Family", "Statistic", "n", "Pearson’s r", "95 % interval", "q"], () => rows.flatMap(([f, cells]) => cells.map((c, k) => c && [f < 0 ? P.levels[-1 - f] : P.families[f], P.heads[keys[k]].label, c[3], minus(c[0].toFixed(3)), missing(c[1]) ? "–" : `${minus(c[1].toFixed(2))} to ${minus(c[2].toFixed(2))}`, missing(c[4]) ? "–" : figures(c[4], 2)]).filter(Boolean)), 2);
    const scale = P.scales[dark() ? "dark" : "light"];
    return Plotly.react(card.plot, [{
      type: "heatmap", x: heads, y: names, z, text: text, texttemplate: "%{text}", textfont: { size: narrow() ? 10.5 : 12.5, color: css("--ink") }, customdata: hover, hovertemplate: "%{customdata}<extra></extra>",
      zmin: -1, zmax: 1, colorscale: scale, xgap: 2, ygap: 2, hoverongaps: false,
      showscale: !narrow() && rows.length > 4, colorbar: { thickness: 10, outlinewidth: 0, len: 1, lenmode: "fraction", tickvals: [-1, -0.5, 0, 0.5, 1], ticktext: ["−1", "−0.5", "0", "0.5", "1"] },
    }], layout((base) => {
      base.height = 120 + (narrow() ? 24 : 28) * rows.length;
      if (narrow()) base.width = Math.max(card.plot.clientWidth, 180 + 36 * keys.length); // scrolls in its card
      base.margin.b = 16; const slanted = (card.plot.clientWidth - 200) / keys.length < 88;
      base.margin.t = slanted ? 84 : 44; base.margin.r = narrow() ? 30 : 70;
      Object.assign(base.xaxis, { type: "category", side: "top", showgrid: false, ticks: "", tickangle: slanted ? -55 : 0, tickfont: { size: narrow() ? 11 : 13 }, fixedrange: true });
      Object.assign(base.yaxis, { type: "category", autorange: "reversed", showgrid: false, automargin: true, tickformat: "", fixedrange: true });
    }), { ...P.config, displayModeBar: false, responsive: !narrow() });
  }

  // ---- charts are drawn when they come near the screen, and again only where they are -----------------
  const cards = new Map(Object.entries({ cost: drawCost, trends: drawTrends, heat: drawHeat }).map(([id, draw]) => {
    const root = $(id), card = { draw, plot: root.querySelector(".plot"), near: false, stale: true };
    card.say = (finding, caption) => { root.querySelector(".finding").textContent = finding; root.querySelector(".caption").textContent = caption; };
    const details = root.querySelector("details"), into = root.querySelector(".numbers");
    card.numbers = (heads, rows, textual) => { card.fill = () => { into.innerHTML = tableHtml(heads, rows(), textual); }; if (details.open) card.fill(); };
    details.addEventListener("toggle", () => details.open && card.fill && card.fill());
    return [id, card];
  }));
  function tableHtml(heads, rows, textual) {
    const cell = (tag, v, i) => `<${tag}${i < textual ? ' class="text"' : ""}${tag === "th" ? ' scope="col"' : ""}>${escape(v)}</${tag}>`;
    return `<table><thead><tr>${heads.map((h, i) => cell("th", h, i)).join("")}</tr></thead><tbody>${rows.map((r) => `<tr>${r.map((v, i) => cell("td", v, i)).join("")}</tr>`).join("")}</tbody></table>`;
  }
  function refresh(card, force = false) {
    if (!card.stale || !(card.near || force)) return;
    card.stale = false;
    card.draw(card);
    card.plot.style.height = `${card.plot.layout.height}px`;
    card.plot.dataset.drawn = "yes";
  }
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) { const card = cards.get(entry.target.id); card.near = entry.isIntersecting; refresh(card); }
  }, { rootMargin: "300px" });
  const redraw = () => cards.forEach((card) => { card.stale = true; refresh(card); });

  // ---- table ---------------------------------------------------------------------------------------
  /** Backbone → its lowest error on the chosen data set, and with which weights. */
  let results = new Map();
  function readResults() {
    const s = set();
    results = new Map();
    s.model.forEach((m, i) => { const b = P.model.backbone[m]; if (!results.has(b) || s.error[i] < s.error[results.get(b)]) results.set(b, i); });
  }
  const columns = [
    { head: "Model", text: (b) => B.name[b] },
    { head: "Error", title: "Lowest error on the chosen data set", value: (b) => (results.has(b) ? set().error[results.get(b)] : null), show: (v) => percent(v, 2) },
    { head: "Family", text: (b) => P.families[B.family[b]] }, { head: "Kind", text: (b) => P.kinds[B.kind[b]] },
    { head: "Input", value: (b) => B.input[b], show: (v) => (missing(v) ? "–" : `${v} px`) },
    ...P.table.map((key) => ({ head: M[key].short, title: M[key].label, value: (b) => M[key].values[b], show: (v) => write(key, v), key })),
  ];
  let table;
  function makeTable() {
    DataTable.ext.errMode = "throw";
    const lastly = (sign) => (a, b) => (a === b ? 0 : missing(a) || a === "" ? 1 : missing(b) || b === "" ? -1 : sign * (a - b));
    DataTable.type("figure", { order: { asc: lastly(1), desc: lastly(-1) }, className: "dt-right" });
    table = new DataTable($("table"), {
      data: B.name.map((_, b) => b), order: [[1, "asc"], [0, "asc"]], pageLength: 25, lengthMenu: [25, 100, { label: "all", value: -1 }], autoWidth: false, deferRender: true,
      columns: columns.map((c) => ({
        title: escape(c.head), type: c.value ? "figure" : "string", className: c.value ? "dt-right" : "",
        data: null, render: (b, why) => (why === "display" ? escape(c.value ? c.show(c.value(b)) : c.text(b)).replace(/_/g, "_<wbr>") : c.value ? c.value(b) : c.text(b)),
      })),
      layout: { topStart: null, topEnd: null, top: null, bottomStart: ["info", "pageLength"], bottomEnd: "paging" },
      language: { info: "_START_ to _END_ of _TOTAL_", infoFiltered: "", infoEmpty: "", emptyTable: "No model.", zeroRecords: "No model passes the filter; Reset shows all.", lengthMenu: "_MENU_ a page", entries: { _: "models", 1: "model" } },
    });
    const wide = document.createElement("div");
    wide.className = "wide"; wide.tabIndex = 0; wide.setAttribute("role", "region"); wide.setAttribute("aria-label", "Table of models, scrolls sideways");
    $("table").before(wide); wide.append($("table"));
    columns.forEach((c, i) => { if (c.title) table.column(i).header().title = c.title; });
    table.search.fixed("page", (_, __, index) => passes(index));
  }
  let passes = () => true;
  function refreshTable() {
    readResults();
    const ok = accepts(), tags = new Map(), s = set();
    P.model.backbone.forEach((b, m) => { if (P.model.tag[m]) tags.set(b, `${tags.get(b) || ""} ${B.name[b]}.${P.model.tag[m]}`); });
    passes = (b) => ok(b, `${B.name[b]} ${tags.get(b) || ""}`);
    table.rows().invalidate("data").draw();
    const n = table.rows({ search: "applied" }).count(), measured = [...results.keys()].filter((b) => passes(b)).length;
    $("shown").textContent = `${many(n, "model")}${n < B.name.length ? ` of ${whole(B.name.length)}` : ""}; ${measured ? `${whole(measured)} of them ${measured === 1 ? "has" : "have"}` : "none has"} a result on ${s.title}. Press a heading to sort.${s.gaps ? ` Mind the study’s own gaps: ${s.gaps}` : ""}`;
  }
  function downloadCsv() {
    const cell = (v) => (missing(v) ? "" : /[",\n\r]/.test(String(v)) ? `"${String(v).replace(/"/g, '""')}"` : /^[=+@\t]/.test(String(v)) ? `'${v}` : String(v));
    const s = set(), heads = ["backbone", "family", "kind", "dataset", "error", "weights", "input_size", ...P.table];
    const lines = table.rows({ search: "applied", order: "applied" }).data().toArray().map((b) => {
      const i = results.get(b);
      return [B.name[b], P.families[B.family[b]], P.kinds[B.kind[b]], s.key, i === undefined ? null : s.error[i], i === undefined ? null : P.model.tag[s.model[i]], B.input[b], ...P.table.map((k) => M[k].values[b])].map(cell).join(",");
    });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${[heads.join(","), ...lines].join("\n")}\n`], { type: "text/csv" }));
    link.download = `archimeter-${s.key.replace(/[^\w-]+/g, "-")}.csv`;
    document.body.append(link); link.click(); link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);  // a busy browser starts the download late
  }

  // ---- filter bar ------------------------------------------------------------------------------------
  const option = (value, text) => { const o = document.createElement("option"); o.value = value; o.textContent = text; return o; };
  function fillBar() {
    let group;
    for (const s of P.sets) {
      if (!group || group.label !== s.study) { group = document.createElement("optgroup"); group.label = s.study; $("data").append(group); }
      group.append(option(s.key, `${s.title} (${many(s.model.length, "model")})`));
    }
    $("kind").append(option("", "all kinds"), ...P.kinds.map((k) => option(k, k)));
  }
  const SYMBOLS = {
    circle: "M8 2.2a5.8 5.8 0 1 0 .01 0z", square: "M3 3h10v10H3z", diamond: "M8 1l7 7-7 7-7-7z", "triangle-up": "M8 2l7 12H1z", "triangle-down": "M8 14L1 2h14z",
    cross: "M6 1h4v5h5v4h-5v5H6v-5H1V6h5z", star: "M8 .8l2.2 4.9 5.3.6-4 3.6 1.1 5.3L8 12.5l-4.6 2.7 1.1-5.3-4-3.6 5.3-.6z", x: "M3.5 1L8 5.5 12.5 1 15 3.5 10.5 8l4.5 4.5-2.5 2.5L8 10.5 3.5 15 1 12.5 5.500 8 1 3.500z",
  };
  const icon = (mark) => `<svg viewBox="0 0 16 16" aria-hidden="true"><path fill="${colour(mark)}" d="${SYMBOLS[mark.symbol]}"/></svg>`;
  function showBar() {
    const s = set();
    $("data").value = state.data; $("kind").value = state.kind;
    if ($("q").value !== state.q) $("q").value = state.q;
    const here = counts();
    const order = P.families.map((_, f) => f).sort((a, b) => (P.families[a] < P.families[b] ? -1 : 1));
    $("family").replaceChildren(option("", "choose …"), ...order.map((f) => option(P.families[f], `${P.families[f]}${here.has(f) ? ` (${here.get(f)})` : " (no result here)"}`)));
    for (const name of ["cost", "stat"]) {
      const keys = Object.keys(M).filter((k) => has(s, k) && (name === "stat" || M[k].cost)), select = document.querySelector(`[data-axis=${name}]`);
      if (!keys.includes(state[name])) state[name] = keys.includes(START[name]) ? START[name] : keys[0];
      select.replaceChildren(...keys.map((k) => option(k, M[k].label)));
      select.value = state[name];
    }
    const chosen = wanted(), legend = $("legend"), coloured = marks();
    // with a choice made, the others stay as they were, to be added
    state.family.length || (unfiltered = [...coloured.keys()]);
    const chips = [...new Set([...unfiltered.filter((f) => here.has(f)), ...chosen])].map((f) => {
      const b = document.createElement("button");
      b.type = "button"; b.dataset.family = P.families[f]; b.setAttribute("aria-pressed", chosen.has(f));
      b.classList.toggle("none", !here.has(f));
      b.innerHTML = icon(coloured.get(f) || P.grey) + escape(P.families[f]);
      return b;
    });
    const focused = document.activeElement?.dataset?.family;
    legend.replaceChildren(...chips);
    if (!chosen.size) { const rest = document.createElement("span"); rest.className = "rest"; rest.innerHTML = icon(P.grey) + "all others"; legend.append(rest); }
    legend.classList.toggle("some", chosen.size > 0);
    if (focused) [...legend.children].find((b) => b.dataset.family === focused)?.focus();
    const active = (state.kind ? 1 : 0) + chosen.size;
    $("more").textContent = active ? `Filters (${active})` : "Filters";
    $("reset").disabled = !active && !state.q;
    $("about").textContent = s.about;
  }
  let unfiltered = [];
  function toggleFamily(name) {
    state.family = state.family.includes(name) ? state.family.filter((f) => f !== name) : [...state.family, name];
    update();
  }
  function applyTheme() {
    document.documentElement.dataset.theme = dark() ? "dark" : "light";
    document.documentElement.classList.toggle("dark", dark()); // what DataTables looks at
  }
  function update() {
    applyTheme(); showBar(); writeHash(); redraw(); refreshTable();
  }
  function restyle() { applyTheme(); showBar(); writeHash(); redraw(); }

  readHash(); applyTheme(); fillBar(); makeTable(); update();
  cards.forEach((_, id) => watcher.observe($(id)));
  $("bar").addEventListener("submit", (e) => e.preventDefault());
  $("data").addEventListener("change", (e) => { state.data = e.target.value; update(); });
  $("kind").addEventListener("change", (e) => { state.kind = e.target.value; update(); });
  $("family").addEventListener("change", (e) => { if (e.target.value && !state.family.includes(e.target.value)) toggleFamily(e.target.value); e.target.value = ""; });
  let typing; $("q").addEventListener("input", (e) => { clearTimeout(typing); typing = setTimeout(() => { state.q = e.target.value.trim(); update(); }, 150); });
  $("reset").addEventListener("click", () => { Object.assign(state, { kind: "", q: "", family: [] }); update(); });
  $("legend").addEventListener("click", (e) => { const b = e.target.closest("button"); if (b) toggleFamily(b.dataset.family); });
  $("more").addEventListener("click", () => { const open = $("extra").classList.toggle("open"); $("more").setAttribute("aria-expanded", open); });
  document.querySelectorAll("[data-axis]").forEach((select) => select.addEventListener("change", () => { state[select.dataset.axis] = select.value; writeHash(); redraw(); }));
  $("csv").addEventListener("click", downloadCsv);
  $("theme").addEventListener("click", () => { state.theme = dark() ? "light" : "dark"; restyle(); });
  systemDark.addEventListener("change", restyle);
  window.addEventListener("hashchange", () => { readHash(); update(); });
  const openSources = (open) => document.querySelectorAll(".sources details, .claims details").forEach((d) => { d.open = open; });
  let resizing, width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth === width) return; width = window.innerWidth; clearTimeout(resizing); resizing = setTimeout(redraw, 150); });
  window.addEventListener("beforeprint", () => { printing = true; applyTheme(); showBar(); openSources(true); cards.forEach((c) => { c.stale = true; refresh(c, true); }); });
  window.addEventListener("afterprint", () => { printing = false; openSources(false); restyle(); });
})();
