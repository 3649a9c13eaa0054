// view_run.js - one run: what its classes come to, and its cases.
// SPDX-License-Identifier: Apache-2.0
import { get, query, runPath, saveTable } from "./api.js";
import { button, card, choice, el, facts, metricChoice, refill, say, tile } from "./dom.js";
import { METRICS, METRIC_NAMES, STATES, STATE_NAMES } from "./format.js";
import { className, classKey, count, interval, plural, score, when } from "./format.js";
import { follow } from "./live.js";
import { distribution, jitter } from "./plot.js";
import { classColumn, numeric, table } from "./table.js";
import { CaseList } from "./view_cases.js";

const MOST_POINTS = 2000; // cases; more would be a smear, and slow to fetch

// {points, n} of up to MOST_POINTS cases; n is how many there are.
async function loadPoints(run, rows, metric, signal) {
    const places = new Map(rows.map((row, i) => [classKey(row), i]));
    const points = [];
    let cursor = null;
    let n = 0;
    let read = 0;
    do {
        const page = await get(
            query(runPath(run, "cases"), { metrics: metric, limit: 1000, cursor }),
            signal,
        );
        for (const one of page.cases)
            for (const item of [...one.classes, ...one.regions]) {
                const place = places.get(classKey(item));
                if (place !== undefined && typeof item[metric] === "number")
                    points.push({ x: item[metric], y: place + jitter(one.case), case: one.case });
            }
        n = page.n;
        read += page.cases.length;
        cursor = page.next;
    } while (cursor && read < MOST_POINTS);
    return { points, n, read };
}

function withInterval(value, pair) {
    const text = interval(pair);
    return [score(value), text ? el("small", {}, text) : null];
}

function leastCase(context, run, row, { min, min_case: name }) {
    if (name === null) return "–";
    const href = context.link(["runs", run, "cases", name]);
    return [score(min), el("small", {}, el("a", { href, key: "least-" + classKey(row) }, name))];
}

function withFlag(row) {
    const flag = row.few ? el("small", { class: "flag" }, "fewer than 10 cases") : null;
    return [className(row), flag];
}

function withBeaten(row, metric) {
    const below = row.trivial.beaten === false;
    const flag = below ? el("small", { class: "flag bad" }, "Dice not above it") : null;
    return [score(row.trivial[metric]), flag];
}

function classColumns(context, run, metric) {
    const m = (row) => row.metrics[metric];
    const total = (row) => row.dataset[metric];
    return [
        classColumn(withFlag),
        numeric("mean", "Mean over cases", (row) => m(row).mean, {
            cell: (row) => withInterval(m(row).mean, m(row).interval),
        }),
        numeric("dataset", "Whole data set", total, {
            cell: (row) => withInterval(total(row), row.dataset.intervals[metric]),
        }),
        numeric("n", "Cases", (row) => row.n, { show: count }),
        numeric("defined", "With a value", (row) => m(row).defined, { show: count }),
        numeric("sd", "SD", (row) => m(row).sd),
        numeric("p5", "5 %", (row) => m(row).p5),
        numeric("q1", "25 %", (row) => m(row).q1),
        numeric("median", "Median", (row) => m(row).median),
        numeric("q3", "75 %", (row) => m(row).q3),
        numeric("min", "Least", (row) => m(row).min, {
            cell: (row) => leastCase(context, run, row, m(row)),
        }),
        numeric("trivial", "Trivial", (row) => row.trivial[metric] ?? null, {
            cell: (row) => withBeaten(row, metric),
        }),
    ];
}

const STATE_COLUMNS = [
    classColumn(),
    ...STATES.map((state) =>
        numeric(state, STATE_NAMES[state], (row) => row.states[state] ?? 0, { show: count }),
    ),
];

export function legend(metric, point = "point", said = "a case") {
    const item = (mark, text) =>
        el("li", {}, el("i", { class: "mark " + mark, "aria-hidden": "true" }), text);
    return el(
        "ul",
        { class: "legend" },
        item(point, said),
        item("box", "quartiles, least and greatest"),
        item("median", "median"),
        item("mean", "mean over cases, with its 95 % interval"),
        item("dataset", "whole data set: counts summed"),
        ["dice", "iou"].includes(metric) ? item("trivial", "trivial: everything foreground") : null,
    );
}

export function chartRows(rows, metric) {
    return rows.map((row) => {
        const m = row.metrics[metric];
        return {
            name: className(row),
            min: m.min,
            q1: m.q1,
            median: m.median,
            q3: m.q3,
            max: m.max,
            mean: m.mean,
            interval: m.interval,
            dataset: row.dataset[metric],
            trivial: row.trivial[metric],
        };
    });
}

function drawHead(node, context, summary, others, metric) {
    const info = Object.entries(summary.info ?? {}).map(([name, value]) => [
        name,
        value === null ? null : String(value),
    ]);
    const compare = (other) => {
        if (other) location.hash = context.link(["compare", other, summary.run]);
    };
    refill(
        node,
        el("h1", {}, summary.run),
        facts([...info, ["begun", when(summary.created)], ["changed", when(summary.updated)]]),
        el(
            "dl",
            { class: "tiles" },
            tile(
                "Mean " + METRIC_NAMES[metric],
                score(summary.mean[metric]),
                "of the classes' means",
            ),
            tile("Cases", count(summary.n_cases)),
            tile(
                "Groups",
                count(summary.n_groups),
                summary.n_groups === null ? "none given: no intervals" : null,
            ),
            tile(
                "Classes",
                count(summary.classes.length),
                summary.regions.length ? plural(summary.regions.length, "region", "regions") : null,
            ),
        ),
        others.length > 0
            ? el(
                  "div",
                  { class: "tools" },
                  choice(
                      "Compare with",
                      [["", "another run"], ...others.map((one) => [one, one])],
                      "",
                      compare,
                      "compare",
                  ),
              )
            : null,
    );
}

function bootstrapNote(bootstrap) {
    if (!bootstrap) return null;
    return el(
        "p",
        { class: "hint" },
        "95 % intervals by bootstrap over " +
            plural(bootstrap.n_units, bootstrap.unit, bootstrap.unit + "s") +
            ", " +
            count(bootstrap.resamples) +
            " resamples, seed " +
            bootstrap.seed +
            "." +
            (bootstrap.few ? " Fewer than 10: they say little." : ""),
    );
}

class RunView {
    summary = null;
    others = [];
    points = { points: [], n: 0, read: 0 };
    head = el("div", { class: "head" });
    tools = el("div", { class: "tools" });
    said = el("p", { class: "hint" });
    marks = el("div");
    classes = el("div");
    states = el("div");

    constructor(context) {
        this.context = context;
        this.parameters = context.parameters;
        this.run = context.names[0];
        this.path = query(runPath(this.run), { metrics: METRICS.join(",") });
        this.cases = new CaseList(context, this.run, () => this.metric);
        this.chart = distribution(
            "Cases, quartiles, means, trivial score of each class; the table below has the same",
            context.signal,
            (point) => {
                location.hash = context.link(["runs", this.run, "cases", point.case]);
            },
        );
    }

    get metric() {
        return METRICS.includes(this.parameters.metric) ? this.parameters.metric : "dice";
    }

    get rows() {
        return [...this.summary.classes, ...this.summary.regions];
    }

    set(changes) {
        Object.assign(this.parameters, changes);
        this.context.put(this.parameters);
    }

    place() {
        refill(
            this.context.main,
            this.head,
            el(
                "div",
                { class: "stack" },
                card("By class", this.tools, this.chart.node, this.marks, this.said, this.classes),
                card("Empty on which side", this.states),
                this.cases.node,
            ),
        );
    }

    drawTools() {
        const choose = (value) => {
            this.set({ metric: value });
            return this.load();
        };
        refill(
            this.tools,
            metricChoice(this.metric, choose),
            button("Save as CSV", "csv", () => saveTable(this.path, this.run)),
        );
    }

    drawChart() {
        const { points, read, n } = this.points;
        this.chart.update({
            rows: chartRows(this.rows, this.metric),
            points,
            metric: METRIC_NAMES[this.metric],
        });
        refill(
            this.said,
            read < n ? "Points of " + count(read) + " of " + count(n) + " cases." : "",
        );
        refill(this.marks, legend(this.metric));
    }

    drawTables() {
        const { classes, classesOrder } = this.parameters;
        refill(
            this.classes,
            table({
                key: "classes",
                caption: METRIC_NAMES[this.metric] + " by class",
                columns: classColumns(this.context, this.run, this.metric),
                rows: this.rows,
                sort: { id: classes ?? "class", desc: classesOrder === "desc" },
                onSort: (id, desc) => {
                    this.set({ classes: id, classesOrder: desc ? "desc" : "" });
                    this.drawTables();
                },
            }),
            bootstrapNote(this.summary.bootstrap),
        );
        const caption = "States by class";
        refill(
            this.states,
            table({ key: "states", caption, columns: STATE_COLUMNS, rows: this.rows }),
        );
    }

    draw() {
        drawHead(this.head, this.context, this.summary, this.others, this.metric);
        this.drawTools();
        this.drawChart();
        this.drawTables();
    }

    async load() {
        const metric = this.metric;
        this.draw();
        const points = await loadPoints(this.run, this.rows, metric, this.context.signal);
        if (this.context.signal.aborted || metric !== this.metric) return;
        this.points = points;
        this.drawChart();
        await this.cases.load(this.rows);
    }

    async loadOthers() {
        const page = await get(query("v1/runs", { limit: 100 }), this.context.signal);
        this.others = page.runs.map((one) => one.run).filter((one) => one !== this.run);
        if (this.summary) this.draw();
    }
}

export async function viewRun(context) {
    const view = new RunView(context);
    view.loadOthers().catch(() => {}); // what follows says what is wrong
    await follow(view.path, context.signal, async (json) => {
        const begun = view.summary !== null;
        view.summary = json;
        if (!begun) {
            view.place();
            view.draw();
            context.ready();
        }
        await view.load();
        if (!begun) return;
        const cases = plural(json.n_cases, "case", "cases");
        say(view.run + " has " + cases + ", mean Dice " + score(json.mean.dice), { often: false });
    });
}
