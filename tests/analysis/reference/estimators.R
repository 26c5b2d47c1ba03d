# The numbers in numbers.csv: every estimator once more, by R (made with R 4.2.2, lme4 1.1-31, sandwich 3.0-2).
# Run in this folder: Rscript estimators.R   (Debian: apt-get install r-base-core r-cran-lme4 r-cran-sandwich)
library(lme4)
library(sandwich)
frame <- read.csv("frame.csv", stringsAsFactors = FALSE)
out <- list()
put <- function(name, value) out[[name]] <<- as.numeric(value)

# one task, first run: correlations and lines
one <- frame[frame$task == "t1" & frame$run == 0, ]
x <- one$size; y <- one$y
r <- cor.test(x, y)
put("pearson", r$estimate); put("pearson_p", r$p.value)
put("spearman", cor(x, y, method = "spearman"))
put("kendall", cor(x, y, method = "kendall"))
put("kendall_ties", cor(round(x), round(y, 1), method = "kendall"))
line <- lm(y ~ x)
put("slope", coef(line)[2]); put("intercept", coef(line)[1]); put("r2", summary(line)$r.squared)

# given the family
within <- lm(y ~ x + factor(one$family))
put("within_slope", coef(within)["x"]); put("within_p", summary(within)$coefficients["x", 4])
rx <- resid(lm(x ~ factor(one$family))); ry <- resid(lm(y ~ factor(one$family)))
put("within_pearson", cor(rx, ry))
put("within_spearman", cor(resid(lm(rank(x) ~ factor(one$family))), resid(lm(rank(y) ~ factor(one$family)))))

# exact permutation of seven
few <- one[one$family == "a", ]
permutations <- function(v) {
  if (length(v) < 2) return(matrix(v, 1))
  do.call(rbind, lapply(seq_along(v), function(i) cbind(v[i], permutations(v[-i]))))
}
all <- permutations(few$y)
rs <- apply(all, 1, function(v) cor(few$size, v))
put("exact_n", nrow(few))
put("exact_p", mean(abs(rs) >= abs(cor(few$size, few$y)) - 1e-12))

# multiplicity
p <- c(0.001, 0.2, 0.012, 0.04, 0.9, 0.03, 0.005, 0.04)
q <- p.adjust(p, "BH")
for (i in seq_along(q)) put(paste0("bh_", i), q[i])

# jackknife of Fisher's z: Student's interval of the pseudo-values, degrees from their kurtosis
n <- nrow(one)
degrees <- function(most, d) min(most, 2 / (2 / most + (mean(d^4) / mean(d^2)^2 - 3) / length(d)))
z <- sapply(seq_len(n), function(i) atanh(cor(x[-i], y[-i])))
pseudo <- n * atanh(cor(x, y)) - (n - 1) * z
half <- qt(0.975, degrees(n - 1, pseudo - mean(pseudo))) * sd(pseudo) / sqrt(n)
put("jackknife_low", mean(pseudo) - half); put("jackknife_high", mean(pseudo) + half)

# the slope: HC4m by sandwich; a unit's deviation is its part of the estimate over a power of 1 - leverage
h <- hatvalues(line); g <- n * h / 2
d <- (x - mean(x)) * resid(line) / sum((x - mean(x))^2) / (1 - h)^((pmin(1, g) + pmin(1.5, g)) / 2)
half <- qt(0.975, degrees(n - 2, d)) * sqrt((n - 1) / n * vcovHC(line, type = "HC4m")[2, 2])
put("slope_low", coef(line)[2] - half); put("slope_high", coef(line)[2] + half)

# given the family, without each unit in turn
partial <- function(d) atanh(cor(resid(lm(size ~ factor(family), d)), resid(lm(y ~ factor(family), d))))
pairs <- one[one$family %in% names(which(table(one$family) > 1)), ]
k <- length(unique(pairs$family)); b <- nrow(pairs)
z <- sapply(seq_len(b), function(i) partial(pairs[-i, ])); d <- z - mean(z)
half <- qt(0.975, degrees(b - k, d)) * sqrt((b - k) / b * sum(d^2))
put("within_low", tanh(partial(pairs) - half)); put("within_high", tanh(partial(pairs) + half))

# variance inflation: 1 / (1 - R2) of each on the other
third <- x^2
for (name in c("size", "activations", "third")) {
  columns <- data.frame(size = x, activations = one$activations, third = third)
  own <- columns[[name]]; columns[[name]] <- NULL
  put(paste0("vif_", name), 1 / (1 - summary(lm(own ~ ., columns))$r.squared))
}

# reliability of the mean of three runs: ICC(1, k) from the analysis of variance
runs <- frame[frame$task == "t0", ]
table <- summary(aov(y ~ factor(backbone), runs))[[1]]
put("icc_1_k", (table[1, 3] - table[2, 3]) / table[1, 3])

# random effects of DerSimonian and Laird, and shrinkage towards their mean
effects <- data.frame(z = c(-0.9, -0.2, 0.3, -0.6, 0.8), v = c(0.05, 0.1, 0.02, 0.08, 0.2))
w <- 1 / effects$v; q <- sum(w * (effects$z - weighted.mean(effects$z, w))^2)
tau2 <- max(0, (q - (nrow(effects) - 1)) / (sum(w) - sum(w^2) / sum(w)))
ws <- 1 / (effects$v + tau2); centre <- weighted.mean(effects$z, ws)
put("dl_tau2", tau2); put("dl_mean", centre)
put("dl_low", centre - qnorm(0.975) / sqrt(sum(ws))); put("dl_q_p", pchisq(q, nrow(effects) - 1, lower.tail = FALSE))
for (i in seq_len(nrow(effects)))
  put(paste0("shrunk_", i), centre + tau2 / (tau2 + effects$v[i]) * (effects$z[i] - centre))

# exponents: log-log regression on depth, width, resolution with Student intervals
scale <- read.csv("scaling.csv")
law <- lm(log(value) ~ log(depth) + log(width) + log(resolution), scale)
for (name in c("depth", "width", "resolution")) {
  put(paste0("exponent_", name), coef(law)[paste0("log(", name, ")")])
  put(paste0("exponent_low_", name), confint(law)[paste0("log(", name, ")"), 1])
}

# the mixed model: crossed task, backbone, family, and the family's slope
m <- aggregate(cbind(y, size, activations) ~ task + family + backbone, frame[frame$run == 0, ], mean)
m$size <- m$size - mean(m$size); m$activations <- m$activations - mean(m$activations)
fit <- lmer(y ~ size + activations + (1 | task) + (1 | backbone) + (1 | family) + (0 + size | family), m,
            REML = TRUE, control = lmerControl(optimizer = "bobyqa",
            optCtrl = list(rhobeg = 0.1, rhoend = 1e-9, maxfun = 1e6)))
put("mixed_n", nobs(fit)); put("mixed_reml", logLik(fit))
for (name in names(fixef(fit))) {
  put(paste0("mixed_", name), fixef(fit)[name])
  put(paste0("mixed_se_", name), sqrt(diag(as.matrix(vcov(fit))))[name])
}
v <- as.data.frame(VarCorr(fit))
for (i in seq_len(nrow(v))) put(paste0("mixed_var_", v$grp[i], "_", v$var1[i]), v$vcov[i])
put("mixed_blup_task_t3", ranef(fit)$task["t3", 1])
put("mixed_fitted_1", fitted(fit)[1]); put("mixed_first", m$y[1])

# on the boundary: luck is a grouping that explains nothing (the rows of m counted in sevens)
m$luck <- seq_len(nrow(m)) %% 7
at_zero <- lmer(y ~ size + (1 | task) + (1 | backbone) + (1 | luck), m, REML = TRUE,
                control = lmerControl(optimizer = "bobyqa",
                optCtrl = list(rhobeg = 0.1, rhoend = 1e-9, maxfun = 1e6)))
put("singular_is", isSingular(at_zero)); put("singular_reml", logLik(at_zero))
put("singular_size", fixef(at_zero)["size"]); put("singular_se", sqrt(diag(as.matrix(vcov(at_zero))))["size"])
v <- as.data.frame(VarCorr(at_zero))
for (i in seq_len(nrow(v))) put(paste0("singular_var_", v$grp[i]), v$vcov[i])

write.csv(data.frame(name = names(out), value = sprintf("%.15g", unlist(out))), "numbers.csv",
          row.names = FALSE, quote = FALSE)
