// What each chart draws, as options for ECharts. `view` holds the data, the colours of the theme and what is hidden.
const charts = (() => {
  const better = (view, a, b) => view.data.lowerIsBetter ? a < b : a > b;
  const shown = view => view.data.trials.filter(trial => !trial.isBaseline && !view.hidden.has(trial.method));
  const baselineOf = view => view.data.trials.find(trial => trial.id === view.data.baseline);

  function number(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "number") return value;
    const size = Math.abs(value);
    const short = Number(value.toPrecision(4));
    return size !== 0 && (size < 0.001 || size >= 1e6) ? short.toExponential() : String(short);
  }

  const cut = (text, length) => text.length > length ? `${text.slice(0, length - 1)}…` : text;

  function time(seconds) {
    const whole = Math.round(seconds), two = value => String(value).padStart(2, "0");
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  }

  // Tooltips are elements, not HTML: texts of the search stay texts.
  function lines(title, pairs) {
    const box = document.createElement("div");
    box.style.cssText = "max-width: 320px; white-space: normal; overflow-wrap: anywhere";
    for (const [i, text] of [title, ...pairs.map(([name, value]) => `${name}: ${number(value)}`)].entries()) {
      const line = document.createElement("div");
      line.textContent = text;
      if (i === 0) line.style.fontWeight = "600";
      box.append(line);
    }
    return box;
  }

  const describe = (view, trial, more = []) => lines(
    `Trial ${trial.id}, ${trial.method}`, [[view.data.metric, trial.metric], ...more, ["epochs", trial.epochs], ...Object.entries(trial.options)]);

  function base(view, extra) {
    return {
      animation: false,
      aria: { enabled: true },
      backgroundColor: "transparent",
      textStyle: { color: view.theme.ink, fontFamily: view.theme.font },
      grid: { left: 12, right: 28, top: 34, bottom: 30, containLabel: true },
      tooltip: { trigger: "item", confine: true, backgroundColor: view.theme.card, borderColor: view.theme.line, textStyle: { color: view.theme.ink, fontSize: 12 } },
      ...extra,
    };
  }

  function axis(view, name, extra = {}) {
    return {
      type: "value", name, scale: true,
      nameTextStyle: { color: view.theme.soft, ...extra.nameTextStyle },
      axisLabel: { color: view.theme.soft, hideOverlap: true, formatter: number, ...extra.axisLabel },
      axisLine: { show: true, lineStyle: { color: view.theme.line } },
      splitLine: { lineStyle: { color: view.theme.line, opacity: 0.6 } },
      ...Object.fromEntries(Object.entries(extra).filter(([key]) => key !== "axisLabel" && key !== "nameTextStyle")),
    };
  }

  const below = { nameLocation: "middle", nameGap: 26 };

  // From the labels' left side on: centred on the axis, a long name would be cut.
  const above = { nameTextStyle: { align: "left", padding: [0, 0, 0, -30] } };

  // One diverged trial must not press all others into a line: where there are enough values, the worse end of the axis is where outliers
  // begin (Tukey's far-out fence).
  function range(view, values, lowerIsBetter = view.data.lowerIsBetter) {
    const sorted = values.filter(value => value !== null).sort((a, b) => a - b);
    const at = share => sorted[Math.floor(share * (sorted.length - 1))];
    const fence = sorted.length < 8 ? Infinity : 3 * (at(0.75) - at(0.25)) || Infinity;
    const inside = sorted.filter(value => lowerIsBetter ? value <= at(0.75) + fence : value >= at(0.25) - fence);
    const [low, high] = [inside[0], inside.at(-1)];
    const spread = high - low || Math.abs(high) || 1;
    const tenth = 10 ** Math.floor(Math.log10(spread / 4));
    const interval = tenth * [1, 2, 5, 10].find(factor => spread / (factor * tenth) <= 5);
    const exact = value => Number(value.toPrecision(12));
    return { min: exact(Math.floor(low / interval) * interval), max: exact(Math.ceil(high / interval + 0.05) * interval), interval };
  }

  // A mark beyond the axis is drawn at its end, as a triangle.
  function place(axis, value) {
    const inside = Math.min(Math.max(value, axis.min), axis.max);
    return { y: inside, symbol: inside === value ? "circle" : "triangle", symbolRotate: value > inside ? 0 : 180 };
  }

  // Ticks at whole minutes or other round times.
  function timeInterval(seconds) {
    const round = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200];
    return round.find(interval => seconds / interval <= 6) ?? 86400;
  }

  function bar(view) {
    const baseline = baselineOf(view);
    return baseline && {
      symbol: "none", silent: true, data: [{ yAxis: baseline.metric }],
      lineStyle: { color: view.theme.bar, type: "dashed", width: 1.5 },
      label: { formatter: `${baseline.method} ${number(baseline.metric)}`, position: "insideEndTop", color: view.theme.bar },
    };
  }

  // Keeps the baseline's line inside the axis.
  const withBaseline = (view, values) => baselineOf(view) ? [...values, baselineOf(view).metric] : values;

  function progress(view) {
    const points = shown(view).flatMap(trial => trial.rungResults.map(rung => ({ trial, rung }))).sort((a, b) => a.rung.elapsed - b.rung.elapsed);
    if (points.length === 0) return "No trial has a result yet.";
    let best = null;
    const line = points.filter(({ rung }) => best === null || better(view, rung.metric, best) ? (best = rung.metric, true) : false)
      .map(({ rung }) => [rung.elapsed, rung.metric]);
    line.push([Math.max(view.data.elapsed, points.at(-1).rung.elapsed), best]);
    const vertical = range(view, withBaseline(view, points.map(({ rung }) => rung.metric)));
    return base(view, {
      xAxis: axis(view, "time", { ...below, min: 0, max: line.at(-1)[0], interval: timeInterval(line.at(-1)[0]), axisLabel: { formatter: time, showMaxLabel: false } }),
      yAxis: axis(view, view.data.metric, { ...above, ...vertical }),
      series: [
        { type: "line", name: "best so far", step: "end", data: line, symbol: "none", lineStyle: { color: view.theme.ink, width: 1.5 }, silent: true, markLine: bar(view) },
        ...view.methods.map(({ name, color }) => ({
          type: "scatter", name, clip: false, itemStyle: { color, opacity: 0.85 },
          data: points.filter(({ trial }) => trial.method === name).map(({ trial, rung }) => {
            const { y, ...mark } = place(vertical, rung.metric);
            return { value: [rung.elapsed, y], symbolSize: 7 + 3 * rung.rung, ...mark, trial, rung };
          }),
        })),
      ],
      tooltip: { ...base(view).tooltip, formatter: ({ data: { trial, rung } }) => describe(view, trial, [["at rung", rung.rung], [`${view.data.metric} there`, rung.metric], ["after", time(rung.elapsed)]]) },
    });
  }

  function curves(view, kind) {
    const value = epoch => kind === "loss" ? epoch.loss : epoch.metric;
    const drawn = shown(view).filter(trial => trial.curve.some(epoch => value(epoch) !== null));
    if (drawn.length === 0) return "No epoch has been trained yet.";
    return base(view, {
      xAxis: axis(view, "epoch", { ...below, scale: false, min: 1, minInterval: 1 }),
      yAxis: axis(view, kind === "loss" ? "training loss" : view.data.curveMetric, { ...above, ...range(view, drawn.flatMap(trial => trial.curve.map(value)), kind === "loss" || view.data.curveMetric === "Loss") }),
      series: drawn.map(trial => {
        const isBest = trial.id === view.data.best, failed = trial.status === "failed";
        return {
          type: "line", name: `trial ${trial.id}`, trial: trial.id,
          data: trial.curve.map((epoch, i) => ({ value: [epoch.epoch, value(epoch)], symbol: i === trial.curve.length - 1 ? (failed ? "diamond" : "circle") : "none", trial })),
          symbolSize: isBest ? 8 : 5, z: isBest ? 5 : 2, triggerLineEvent: true, showAllSymbol: true,
          itemStyle: { color: failed ? view.theme.bad : view.colors[trial.method] },
          lineStyle: { color: view.colors[trial.method], width: isBest ? 3.5 : 1.3, opacity: isBest ? 1 : 0.7, type: failed ? "dashed" : "solid" },
        };
      }),
      tooltip: { ...base(view).tooltip, formatter: ({ seriesIndex }) => describe(view, drawn[seriesIndex]) },
    });
  }

  function parallelAxes(view, method) {
    const methods = view.data.methods.filter(searched => method ? searched.name === method : !view.hidden.has(searched.name));
    if (methods.length === 0) return [];
    const common = methods[0].options.filter(option => methods.every(other => other.options.some(o => o.name === option.name)));
    const options = common.map(({ name }) => {
      const kinds = methods.map(searched => searched.options.find(option => option.name === name));
      if (kinds.every(kind => kind.min !== null))
        return {
          name, of: trial => trial.options[name], type: kinds.every(kind => kind.log) ? "log" : "value",
          min: Math.min(...kinds.map(kind => kind.min)), max: Math.max(...kinds.map(kind => kind.max)),
        };
      return { name, of: trial => String(trial.options[name]), type: "category", data: [...new Set(kinds.flatMap(kind => kind.values))] };
    });
    if (!method && methods.length > 1)
      options.unshift({ name: "method", of: trial => trial.method, type: "category", data: methods.map(searched => searched.name) });
    return [...options, { name: "epochs", of: trial => trial.epochs, type: "value", min: 0, minInterval: 1 }];
  }

  function parallel(view, method, width) {
    const trials = shown(view).filter(trial => trial.metric !== null && (!method || trial.method === method));
    const axes = parallelAxes(view, method);
    if (trials.length === 0 || axes.length === 0) return "No trial has a result yet.";
    const last = range(view, trials.map(trial => trial.metric));
    axes.push({ name: view.data.metric, of: trial => place(last, trial.metric).y, type: "value", inverse: view.data.lowerIsBetter, ...last });
    const ranked = [...trials].sort((a, b) => better(view, a.metric, b.metric) ? 1 : -1);
    const upright = width < 640;
    return base(view, {
      parallel: {
        layout: upright ? "vertical" : "horizontal", left: upright ? 16 : 70, right: upright ? 34 : 80, top: upright ? 40 : 50, bottom: upright ? 24 : 26,
        parallelAxisDefault: {
          z: 5,
          nameLocation: "end", nameGap: upright ? 8 : 16, nameTextStyle: { color: view.theme.ink, fontWeight: 600, backgroundColor: view.theme.card, ...(upright ? { align: "right", verticalAlign: "bottom", padding: [0, 3, 8, 3] } : { align: "center" }) },
          axisLine: { lineStyle: { color: view.theme.soft } }, axisTick: { lineStyle: { color: view.theme.soft } },
          axisLabel: { color: view.theme.ink, backgroundColor: view.theme.card, padding: [1, 3], formatter: value => cut(number(value), 18), hideOverlap: true },
          areaSelectStyle: { color: view.theme.accent, borderColor: view.theme.accent, opacity: 0.25 },
        },
      },
      parallelAxis: axes.map(({ of: _, ...options }, dim) => ({ ...options, dim })),
      series: [{
        type: "parallel", smooth: false, realtime: true, inactiveOpacity: 0.04, lineStyle: { width: 1.4 },
        data: ranked.map((trial, rank) => ({
          value: axes.map(({ of }) => of(trial)), trial,
          lineStyle: { color: view.colors[trial.method], width: trial.id === view.data.best ? 4 : 1.5, opacity: 0.2 + 0.8 * (rank + 1) / ranked.length },
        })),
      }],
      tooltip: { ...base(view).tooltip, formatter: ({ data: { trial } }) => describe(view, trial) },
    });
  }

  function importance(view, method) {
    const found = view.data.importance.find(each => each.method === (method || null)) ?? view.data.importance[0];
    const enough = found.trials >= view.data.importanceMinTrials;
    const shares = Object.entries(found.options);
    if (shares.length === 0)
      return enough ? "All trials are equally good, so that no option tells them apart." : `Needs at least ${view.data.importanceMinTrials} trials with a result; there are ${found.trials} so far.`;
    return base(view, {
      grid: { left: 12, right: 60, top: 8, bottom: 30, containLabel: true },
      xAxis: axis(view, "share of the trials' ranking", { ...below, min: 0, max: 1, axisLabel: { formatter: value => `${Math.round(100 * value)} %` } }),
      yAxis: axis(view, "", { type: "category", inverse: true, data: shares.map(([name]) => name), axisLabel: { color: view.theme.ink, formatter: name => cut(name, 22) } }),
      series: [{
        type: "bar", data: shares.map(([, share]) => share), barMaxWidth: 22,
        itemStyle: { color: method ? view.colors[method] : view.theme.accent, borderRadius: [0, 3, 3, 0] },
        label: { show: true, position: "right", color: view.theme.ink, formatter: ({ value }) => `${Math.round(100 * value)} %` },
      }],
      tooltip: { ...base(view).tooltip, formatter: ({ dataIndex }) => lines(shares[dataIndex][0], [["explains alone", `${Math.round(100 * shares[dataIndex][1])} % of the ranking of ${found.trials} trials after ${found.epochs} epochs`]]) },
    });
  }

  function pareto(view, cost, name) {
    const points = shown(view).filter(trial => trial.metric !== null);
    if (points.length === 0) return "No trial has a result yet.";
    const front = view.data.fronts[cost].map(id => view.data.trials.find(trial => trial.id === id)).filter(trial => !view.hidden.has(trial.method));
    const costs = points.map(trial => trial[cost]);
    const vertical = range(view, withBaseline(view, points.map(trial => trial.metric)));
    const log = Math.min(...costs) > 0 && Math.max(...costs) / Math.min(...costs) > 20;
    return base(view, {
      xAxis: axis(view, name, { ...below, type: log ? "log" : "value" }),
      yAxis: axis(view, view.data.metric, { ...above, ...vertical }),
      series: [
        { type: "line", name: "Pareto front", step: "end", silent: true, symbol: "none", data: front.map(trial => [trial[cost], trial.metric]), lineStyle: { color: view.theme.ink, width: 1.5 }, markLine: bar(view) },
        ...view.methods.map(method => ({
          type: "scatter", name: method.name, clip: false,
          data: points.filter(trial => trial.method === method.name).map(trial => {
            const isFront = front.includes(trial), { y, ...mark } = place(vertical, trial.metric);
            return { value: [trial[cost], y], trial, ...mark, symbolSize: isFront ? 12 : 7, itemStyle: { color: method.color, opacity: isFront ? 1 : 0.6, borderColor: view.theme.ink, borderWidth: isFront ? 1.5 : 0 } };
          }),
        })),
      ],
      tooltip: { ...base(view).tooltip, formatter: ({ data: { trial } }) => describe(view, trial, [[name, trial[cost]]]) },
    });
  }

  return { progress, curves, parallel, importance, pareto, number, time };
})();
