// view_runs.js - all runs: how they went over time, and two of them to be compared.
// SPDX-License-Identifier: Apache-2.0
import { get, query, runPath } from "./api.js";
import { button, card, choice, el, metricChoice, refill, say } from "./dom.js";
import { METRICS, METRIC_NAMES, count, plural, score, told, when } from "./format.js";
import { follow } from "./live.js";
import { trend } from "./plot.js";
import { numeric, table } from "./table.js";

const PAGE = 30;
const AT_ONCE = 4;
const NO_DATASET = "no dataset named";

// A run's means cost a summary, so each is asked for once per revision.
const means = new Map();

async function loadMeans(runs, signal, each) {
    const wanted = runs.filter((run) => means.get(run.run)?.revision !== run.revision);
    const work = async () => {
        for (let run = wanted.shift(); run && !signal.aborted; run = wanted.shift()) {
            try {
                const path = query(runPath(run.run), { resamples: 0, metrics: METRICS.join(",") });
                means.set(run.run, {
                    revision: run.revision,
                    mean: (await get(path, signal)).mean,
                });
            } catch (fault) {
                if (fault.status !== 404) throw fault; // it was deleted just now
            }
            each();
        }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function meanOf(run, metric) {
    const value = means.get(run.run)?.mean[metric];
    return value === undefined ? null : value;
}

function datasetOf(run) {
    return told(run.info, "dataset") ?? NO_DATASET;
}

function textColumn(id, title, more = {}) {
    const value = (run) => told(run.info, id);
    return { id, title, text: true, value, cell: (run) => value(run) ?? "–", ...more };
}

function tickBox(run, picked, onTick) {
    return el("input", {
        type: "checkbox",
        key: "pick-" + run.run,
        checked: picked.includes(run.run),
        "aria-label": "compare " + run.run,
        on: { change: (event) => onTick(run.run, event.target.checked) },
    });
}

function columns(context, picked, onTick) {
    const name = ({ run }) =>
        el("a", { href: context.link(["runs", run]), key: "run-" + run }, run);
    const changed = (run) => el("time", { datetime: run.updated }, when(run.updated));
    return [
        { id: "run", title: "Run", head: true, value: (run) => run.run, cell: name },
        {
            id: "pick",
            title: "Compare",
            sortable: false,
            cell: (run) => tickBox(run, picked, onTick),
        },
        numeric("dice", "Mean Dice", (run) => meanOf(run, "dice")),
        numeric("iou", "Mean IoU", (run) => meanOf(run, "iou")),
        numeric("cases", "Cases", (run) => run.n_cases, { show: count }),
        textColumn("dataset", "Dataset"),
        textColumn("model", "Model"),
        { id: "updated", title: "Changed", value: (run) => run.updated, cell: changed },
        textColumn("note", "Note", { sortable: false }),
    ];
}

function trendData(runs, metric) {
    const inTime = [...runs]
        .filter((run) => meanOf(run, metric) !== null)
        .sort((a, b) =>
            a.created < b.created ? -1 : a.created > b.created ? 1 : a.revision - b.revision,
        );
    const series = new Map();
    for (const run of inTime) {
        const name = datasetOf(run);
        if (!series.has(name)) series.set(name, []);
        series.get(name).push({ x: run.run, y: meanOf(run, metric), run: run.run });
    }
    return {
        metric: METRIC_NAMES[metric],
        runs: inTime.map((run) => run.run),
        series: [...series].map(([name, points]) => ({ name, points })),
    };
}

function comparison(context, runs, picked) {
    if (picked.length < 2) {
        const more = picked.length === 1 ? "One run is ticked; tick another" : "Tick two runs";
        return el("p", { class: "hint" }, more + " to compare them.");
    }
    const begun = (name) => runs.find((run) => run.run === name)?.created ?? "";
    const [older, newer] = [...picked].sort((x, y) => (begun(x) < begun(y) ? -1 : 1));
    const href = context.link(["compare", older, newer]);
    const text = "Compare " + older + " with " + newer;
    return el("p", {}, el("a", { class: "button main", key: "compare", href }, text));
}

const EMPTY = "No run is kept yet. A case is kept by PUT /v1/runs/{run}/cases/{case}.";

class RunsView {
    runs = []; // the first page, which is followed
    more = []; // what was asked for beside it
    next = null;
    picked = [];
    tools = el("div", { class: "tools" });
    list = el("div");

    constructor(context) {
        this.context = context;
        this.parameters = context.parameters;
        this.redraw = () => this.draw();
        this.chart = trend(
            "Mean over cases and classes, run by run; the table below has the same numbers",
            context.signal,
            (point) => {
                location.hash = context.link(["runs", point.run]);
            },
        );
    }

    get metric() {
        return METRICS.includes(this.parameters.metric) ? this.parameters.metric : "dice";
    }

    get all() {
        const seen = new Set(this.runs.map((run) => run.run));
        return [...this.runs, ...this.more.filter((run) => !seen.has(run.run))];
    }

    get shown() {
        const { dataset } = this.parameters;
        return this.all.filter((run) => !dataset || datasetOf(run) === dataset);
    }

    set(changes) {
        Object.assign(this.parameters, changes);
        this.context.put(this.parameters);
        this.draw();
    }

    tick(name, ticked) {
        this.picked = this.picked.filter((one) => one !== name);
        if (ticked) this.picked = [...this.picked, name].slice(-2);
        this.draw();
    }

    // A run that others push off the first page stays in sight.
    update(page) {
        const names = new Set(page.runs.map((run) => run.run));
        const pushed = page.next ? this.runs.filter((run) => !names.has(run.run)) : [];
        this.more = [...pushed, ...this.more];
        this.runs = page.runs;
    }

    async loadMore() {
        const { signal } = this.context;
        const page = await get(query("v1/runs", { limit: PAGE, cursor: this.next }), signal);
        this.more.push(...page.runs);
        this.next = page.next;
        this.draw();
        say(plural(this.shown.length, "run", "runs"));
        await loadMeans(page.runs, signal, this.redraw);
    }

    place() {
        const cards = [card("Trend", this.tools, this.chart.node), card("All runs", this.list)];
        refill(this.context.main, el("h1", {}, "Runs"), el("div", { class: "stack" }, cards));
    }

    draw() {
        const { sort, order, dataset } = this.parameters;
        const sets = [...new Set(this.all.map(datasetOf))].sort().map((one) => [one, one]);
        const choose = (value) => this.set({ dataset: value });
        refill(
            this.tools,
            metricChoice(this.metric, (metric) => this.set({ metric })),
            choice("Dataset", [["", "all"], ...sets], dataset ?? "", choose, "dataset"),
        );
        this.chart.update(trendData(this.shown, this.metric));
        if (this.all.length === 0) {
            refill(this.list, el("p", { class: "hint" }, EMPTY));
            return;
        }
        refill(
            this.list,
            table({
                key: "runs",
                caption: "Runs",
                columns: columns(this.context, this.picked, (...ticked) => this.tick(...ticked)),
                rows: this.shown,
                sort: sort ? { id: sort, desc: order === "desc" } : { id: "updated", desc: true },
                onSort: (id, desc) => this.set({ sort: id, order: desc ? "desc" : "asc" }),
            }),
            comparison(this.context, this.all, this.picked),
            this.next
                ? el(
                      "p",
                      {},
                      button("More runs", "more", () => this.loadMore()),
                  )
                : null,
        );
    }
}

export async function viewRuns(context) {
    const view = new RunsView(context);
    let begun = false;
    await follow(query("v1/runs", { limit: PAGE }), context.signal, async (page) => {
        view.update(page);
        if (!begun) {
            view.next = page.next;
            view.place();
        }
        view.draw();
        if (!begun) context.ready();
        await loadMeans(page.runs, context.signal, view.redraw);
        if (begun && page.runs.length > 0) say(page.runs[0].run + " has changed", { often: false });
        begun = true;
    });
}
