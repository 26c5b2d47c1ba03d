"use strict";
(() => {
  const { figures, config } = JSON.parse(document.getElementById("payload").textContent);
  const system = matchMedia("(prefers-color-scheme: dark)");
  function draw() {
    document.documentElement.dataset.theme = system.matches ? "dark" : "light";
    const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    document.querySelectorAll("[data-chart]").forEach((plot) => {
      const { data, layout } = structuredClone(figures[plot.dataset.chart]);
      layout.font.color = layout.title.font.color = css("--soft");
      layout.title.text = "";
      layout.margin.t = 8;
      layout.margin.l = layout.margin.r = 12;
      Object.assign(layout.xaxis, { gridcolor: css("--grid"), linecolor: css("--line"), tickcolor: css("--line") });
      layout.hoverlabel = { ...layout.hoverlabel, bgcolor: css("--card"), bordercolor: css("--line"), font: { color: css("--ink") } };
      for (const trace of data) trace.marker.line.color = css("--card");
      Plotly.react(plot, data, layout, config);
      plot.dataset.drawn = "yes";
    });
  }
  draw();
  system.addEventListener("change", draw);
})();
