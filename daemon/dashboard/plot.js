// plot.js - the charts; each has a table beside it that says the same in text.
// SPDX-License-Identifier: Apache-2.0
import { el } from "./dom.js";

/* global Chart */

function colours() {
    const style = getComputedStyle(document.documentElement);
    return new Proxy({}, { get: (_, name) => style.getPropertyValue("--" + name).trim() });
}

const SERIES = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6"];

// A canvas with its chart. configure(colours, data) gives Chart.js's data and options, the height,
// and what the plugins mark, which stands at the canvas: Chart.js wraps all that is an option.
function plot(label, signal, configure, plugins = []) {
    const canvas = el("canvas", { role: "img", "aria-label": label });
    const box = el("div", { class: "plot" }, canvas);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    let chart = null;
    let data = null;

    const draw = () => {
        if (signal.aborted || data === null) return;
        const c = colours();
        Chart.defaults.color = c.muted;
        Chart.defaults.borderColor = c.line;
        Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
        Chart.defaults.font.size = 13;
        const made = configure(c, data);
        canvas.marked = made.marked;
        if (made.height) box.style.height = made.height + "px";
        if (chart === null) {
            chart = new Chart(canvas, {
                type: made.type,
                data: made.data,
                options: made.options,
                plugins,
            });
            return;
        }
        chart.data = made.data;
        chart.options = made.options;
        chart.update("none");
    };
    dark.addEventListener("change", draw, { signal });
    signal.addEventListener("abort", () => chart?.destroy(), { once: true });
    return {
        node: box,
        update: (next) => {
            data = next;
            draw();
        },
    };
}

function base(c, more) {
    return {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        layout: { padding: { right: 12, top: 4 } },
        ...more,
        plugins: {
            legend: { display: false },
            tooltip: {
                backgroundColor: c.ink,
                titleColor: c.card,
                bodyColor: c.card,
                padding: 10,
                displayColors: false,
                cornerRadius: 6,
                ...more.tooltip,
            },
            ...more.plugins,
        },
    };
}

function onPoint(open) {
    return (event, elements, chart) => {
        const hit = elements[0];
        if (hit) open(chart.data.datasets[hit.datasetIndex].data[hit.index]);
    };
}

function pointer(event, elements) {
    event.native.target.style.cursor = elements.length > 0 ? "pointer" : "default";
}

// ---- trend --------------------------------------------------------------------------------------

// data: {runs: [name...], series: [{name, points: [{x, y, run}]}], metric}
export function trend(label, signal, open) {
    return plot(label, signal, (c, data) => ({
        type: "line",
        data: {
            labels: data.runs,
            datasets: data.series.map((one, i) => ({
                label: one.name,
                data: one.points,
                borderColor: c[SERIES[i % SERIES.length]],
                backgroundColor: c[SERIES[i % SERIES.length]],
                borderWidth: 2,
                pointRadius: 4,
                pointHoverRadius: 6,
                tension: 0,
                spanGaps: true,
            })),
        },
        options: base(c, {
            onClick: onPoint(open),
            onHover: pointer,
            interaction: { mode: "nearest", intersect: true },
            scales: {
                x: { grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 } },
                y: {
                    grace: "8%",
                    suggestedMax: undefined,
                    title: { display: true, text: "mean " + data.metric },
                    ticks: { maxTicksLimit: 6, callback: (value) => value.toFixed(2) },
                    border: { display: false },
                },
            },
            plugins: {
                legend: {
                    display: data.series.length > 1,
                    position: "bottom",
                    align: "start",
                    labels: {
                        usePointStyle: true,
                        pointStyle: "circle",
                        boxWidth: 8,
                        boxHeight: 8,
                        padding: 16,
                    },
                },
            },
            tooltip: {
                callbacks: { label: (item) => item.dataset.label + ": " + item.raw.y.toFixed(4) },
            },
        }),
    }));
}

// ---- rows of classes ----------------------------------------------------------------------------

function rowScales(c, names, x) {
    const short = (text) => (text.length > 22 ? text.slice(0, 21) + "…" : text);
    return {
        x: {
            ...x,
            ticks: { maxRotation: 0, ...x.ticks },
            grid: { color: c.line },
            position: "bottom",
        },
        y: {
            type: "linear",
            reverse: true,
            min: -0.5,
            max: names.length - 0.5,
            grid: { display: false },
            border: { display: false },
            afterBuildTicks: (axis) => {
                axis.ticks = names.map((_, value) => ({ value }));
            },
            ticks: {
                autoSkip: false,
                color: c.ink,
                callback: (value) => short(names[value] ?? ""),
            },
        },
    };
}

function line(context, x0, y0, x1, y1) {
    context.beginPath();
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
    context.stroke();
}

function diamond(context, x, y, r) {
    context.beginPath();
    context.moveTo(x, y - r);
    context.lineTo(x + r, y);
    context.lineTo(x, y + r);
    context.lineTo(x - r, y);
    context.closePath();
}

const isNumber = (value) => typeof value === "number";

// Under the points: from the least to the greatest, the box of the quartiles, and the median.
const boxes = {
    id: "boxes",
    beforeDatasetsDraw(chart) {
        const { rows, c } = chart.canvas.marked;
        const context = chart.ctx;
        context.save();
        rows.forEach((row, i) => {
            const at = (value) => chart.scales.x.getPixelForValue(value);
            const y = chart.scales.y.getPixelForValue(i);
            if (!isNumber(row.q1)) return;
            context.strokeStyle = c.box;
            context.lineWidth = 1.5;
            line(context, at(row.min), y, at(row.q1), y);
            line(context, at(row.q3), y, at(row.max), y);
            for (const end of [row.min, row.max]) line(context, at(end), y - 5, at(end), y + 5);
            context.fillStyle = c["box-fill"];
            context.fillRect(at(row.q1), y - 13, at(row.q3) - at(row.q1), 26);
            context.strokeRect(at(row.q1), y - 13, at(row.q3) - at(row.q1), 26);
        });
        context.restore();
    },
    afterDatasetsDraw(chart) {
        const { rows, c } = chart.canvas.marked;
        rows.forEach((row, i) => marks(chart, row, chart.scales.y.getPixelForValue(i), c));
    },
};

// Over the points: the median, the mean with its interval, the data set's value, the trivial score.
function marks(chart, row, y, c) {
    const context = chart.ctx;
    const at = (value) => chart.scales.x.getPixelForValue(value);
    context.save();
    if (isNumber(row.trivial)) {
        context.strokeStyle = c.warn;
        context.lineWidth = 2;
        context.setLineDash([4, 3]);
        line(context, at(row.trivial), y - 24, at(row.trivial), y + 24);
        context.setLineDash([]);
    }
    if (isNumber(row.median)) {
        context.strokeStyle = c.ink;
        context.lineWidth = 2.5;
        line(context, at(row.median), y - 13, at(row.median), y + 13);
    }
    if (isNumber(row.mean)) {
        context.strokeStyle = context.fillStyle = c.accent;
        context.lineWidth = 3;
        if (row.interval) line(context, at(row.interval[0]), y + 20, at(row.interval[1]), y + 20);
        diamond(context, at(row.mean), y + 20, 5);
        context.fill();
    }
    if (isNumber(row.dataset)) {
        context.strokeStyle = c["series-2"];
        context.fillStyle = c.card;
        context.lineWidth = 2;
        diamond(context, at(row.dataset), y - 20, 4.5);
        context.fill();
        context.stroke();
    }
    context.restore();
}

// The same case lies at the same height each time it is drawn.
export function jitter(text) {
    let hash = 7;
    for (let i = 0; i < text.length; i++)
        hash = Math.imul(hash ^ text.charCodeAt(i), 0x5bd1e995) ^ (hash >>> 13);
    return ((hash >>> 0) / 0xffffffff - 0.5) * 0.3;
}

// data: {rows: [{name, min, q1, median, q3, max, mean, interval, dataset, trivial}],
//        points: [{x, y, case}], metric, one}; one: they are those of a single case
export function distribution(label, signal, open) {
    return plot(
        label,
        signal,
        (c, data) => ({
            type: "scatter",
            height: 60 + 64 * Math.max(1, data.rows.length),
            marked: { rows: data.rows, c },
            data: {
                datasets: [
                    {
                        data: data.points,
                        backgroundColor: data.one ? c["series-4"] : c.point,
                        pointRadius: data.one ? 6 : 2.6,
                        pointHoverRadius: 6,
                        borderWidth: 0,
                    },
                ],
            },
            options: base(c, {
                onClick: onPoint(open),
                onHover: pointer,
                scales: rowScales(
                    c,
                    data.rows.map((row) => row.name),
                    { min: 0, max: 1, title: { display: true, text: data.metric } },
                ),
                tooltip: {
                    callbacks: { label: (item) => item.raw.case + ": " + item.raw.x.toFixed(4) },
                },
            }),
        }),
        [boxes],
    );
}

// ---- differences --------------------------------------------------------------------------------

const forest = {
    id: "forest",
    beforeDatasetsDraw(chart) {
        const { rows, c } = chart.canvas.marked;
        const context = chart.ctx;
        const at = (value) => chart.scales.x.getPixelForValue(value);
        const { top, bottom } = chart.chartArea;
        context.save();
        context.strokeStyle = c.muted;
        context.lineWidth = 1.5;
        line(context, at(0), top, at(0), bottom);
        rows.forEach((row, i) => {
            const y = chart.scales.y.getPixelForValue(i);
            if (!row.interval) return;
            context.strokeStyle = row.colour;
            context.lineWidth = 3;
            line(context, at(row.interval[0]), y, at(row.interval[1]), y);
            for (const end of row.interval) line(context, at(end), y - 6, at(end), y + 6);
        });
        context.restore();
    },
};

// How far an axis goes to hold a value, in round steps.
function reach(value) {
    const rough = value / 3;
    const power = 10 ** Math.floor(Math.log10(rough));
    const stepSize = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
    return { most: Math.ceil((value * 1.05) / stepSize) * stepSize, stepSize };
}

// data: {rows: [{name, difference, interval}], metric}
export function differences(label, signal) {
    return plot(
        label,
        signal,
        (c, data) => {
            const sides = data.rows
                .flatMap((row) => [row.difference, ...(row.interval ?? [])])
                .filter(isNumber);
            const { most, stepSize } = reach(Math.max(0.005, ...sides.map(Math.abs)));
            const tone = (row) =>
                !row.interval || row.interval[0] * row.interval[1] <= 0
                    ? c.muted
                    : row.difference > 0
                      ? c.good
                      : c.bad;
            const rows = data.rows.map((row) => ({ ...row, colour: tone(row) }));
            const shown = rows
                .map((row, y) => ({ x: row.difference, y }))
                .filter((one) => isNumber(one.x));
            return {
                type: "scatter",
                height: 64 + 44 * Math.max(1, rows.length),
                marked: { rows, c },
                data: {
                    datasets: [
                        {
                            data: shown,
                            pointRadius: 6,
                            backgroundColor: shown.map((one) => rows[one.y].colour),
                        },
                    ],
                },
                options: base(c, {
                    scales: rowScales(
                        c,
                        rows.map((row) => row.name),
                        {
                            min: -most,
                            max: most,
                            ticks: { stepSize },
                            title: { display: true, text: "difference of " + data.metric },
                        },
                    ),
                    tooltip: {
                        callbacks: {
                            label: (item) => rows[item.raw.y].name + ": " + item.raw.x.toFixed(4),
                        },
                    },
                }),
            };
        },
        [forest],
    );
}
