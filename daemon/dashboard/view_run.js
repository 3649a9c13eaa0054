// view_run.js - one run: what its classes come to, and its cases.
// SPDX-License-Identifier: Apache-2.0
import { get, query, runPath, saveTable } from "./api.js";
import { button, card, choice, el, facts, refill, say, tile } from "./dom.js";
import {
    METRICS,
    METRIC_NAMES,
    STATES,
    STATE_NAMES,
    className,
    classKey,
    count,
    interval,
    plural,
    score,
    when,
} from "./format.js";
import { follow } from "./live.js";
import { distribution, jitter } from "./plot.js";
import { table } from "./table.js";
import { caseList } from "./view_cases.js";

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

function classColumns(context, run, metric) {
    const m = (row) => row.metrics[metric];
    const number = (id, title, of) => ({
        id,
        title,
        number: true,
        value: (row) => of(row),
        cell: (row) => score(of(row)),
    });
    return [
        {
            id: "class",
            title: "Class",
            head: true,
            value: (row) => row.label ?? row.name,
            cell: (row) => [
                className(row),
                row.few ? el("small", { class: "flag" }, "fewer than 10 cases") : null,
            ],
        },
        {
            id: "mean",
            title: "Mean over cases",
            number: true,
            value: (row) => m(row).mean,
            cell: (row) => withInterval(m(row).mean, m(row).interval),
        },
        {
            id: "dataset",
            title: "Whole data set",
            number: true,
            value: (row) => row.dataset[metric],
            cell: (row) => withInterval(row.dataset[metric], row.dataset.intervals[metric]),
        },
        {
            id: "n",
            title: "Cases",
            number: true,
            value: (row) => row.n,
            cell: (row) => count(row.n),
        },
        {
            id: "defined",
            title: "With a value",
            number: true,
            value: (row) => m(row).defined,
            cell: (row) => count(m(row).defined),
        },
        number("sd", "SD", (row) => m(row).sd),
        number("p5", "5 %", (row) => m(row).p5),
        number("q1", "25 %", (row) => m(row).q1),
        number("median", "Median", (row) => m(row).median),
        number("q3", "75 %", (row) => m(row).q3),
        {
            id: "min",
            title: "Least",
            number: true,
            value: (row) => m(row).min,
            cell: (row) =>
                m(row).min_case === null
                    ? "–"
                    : [
                          score(m(row).min),
                          el(
                              "small",
                              {},
                              el(
                                  "a",
                                  {
                                      href: context.link(["runs", run, "cases", m(row).min_case]),
                                      key: "least-" + classKey(row),
                                  },
                                  m(row).min_case,
                              ),
                          ),
                      ],
        },
        {
            id: "trivial",
            title: "Trivial",
            number: true,
            value: (row) => row.trivial[metric] ?? null,
            cell: (row) => [
                score(row.trivial[metric]),
                row.trivial.beaten === false
                    ? el("small", { class: "flag bad" }, "Dice not above it")
                    : null,
            ],
        },
    ];
}

const STATE_COLUMNS = [
    { id: "class", title: "Class", head: true, cell: className },
    ...STATES.map((state) => ({
        id: state,
        title: STATE_NAMES[state],
        number: true,
        cell: (row) => count(row.states[state] ?? 0),
    })),
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

export async function viewRun(context) {
    const {
        main,
        names: [run],
        parameters,
        signal,
    } = context;
    const metric = () => (METRICS.includes(parameters.metric) ? parameters.metric : "dice");
    const head = el("div", { class: "head" });
    const tools = el("div", { class: "tools" });
    const said = el("p", { class: "hint" });
    const marks = el("div");
    const classes = el("div");
    const states = el("div");
    const chart = distribution(
        "Cases, quartiles, means, trivial score of each class; the table below has the same numbers",
        signal,
        (point) => {
            if (point.case) location.hash = context.link(["runs", run, "cases", point.case]);
        },
    );
    const cases = caseList(context, run, metric);
    let summary = null;
    let others = [];
    let points = { points: [], n: 0, read: 0 };

    function set(changes) {
        Object.assign(parameters, changes);
        context.put(parameters);
    }

    function redraw() {
        const rows = [...summary.classes, ...summary.regions];
        drawHead(head, context, summary, others, metric());
        refill(
            tools,
            choice(
                "Metric",
                METRICS.map((one) => [one, METRIC_NAMES[one]]),
                metric(),
                (value) => {
                    set({ metric: value });
                    change();
                },
                "metric",
            ),
            button("Save as CSV", "csv", () =>
                saveTable(query(runPath(run), { metrics: METRICS.join(",") }), run),
            ),
        );
        chart.update({
            rows: chartRows(rows, metric()),
            points: points.points,
            metric: METRIC_NAMES[metric()],
        });
        refill(
            said,
            points.read < points.n
                ? "Points of " + count(points.read) + " of " + count(points.n) + " cases."
                : "",
        );
        refill(marks, legend(metric()));
        refill(
            classes,
            table({
                key: "classes",
                caption: METRIC_NAMES[metric()] + " by class",
                columns: classColumns(context, run, metric()),
                rows,
                sort: parameters.classes
                    ? { id: parameters.classes, desc: parameters.classesOrder === "desc" }
                    : { id: "class", desc: false },
                onSort: (id, desc) => {
                    set({ classes: id, classesOrder: desc ? "desc" : "" });
                    redraw();
                },
            }),
            bootstrapNote(summary.bootstrap),
        );
        refill(
            states,
            table({ key: "states", caption: "States by class", columns: STATE_COLUMNS, rows }),
        );
    }

    async function change() {
        redraw();
        points = await loadPoints(run, [...summary.classes, ...summary.regions], metric(), signal);
        if (signal.aborted) return;
        redraw();
        await cases.load([...summary.classes, ...summary.regions]);
    }

    get(query("v1/runs", { limit: 100 }), signal).then(
        (page) => {
            others = page.runs.map((one) => one.run).filter((one) => one !== run);
            if (summary && !signal.aborted) redraw();
        },
        () => {},
    );
    await follow(query(runPath(run), { metrics: METRICS.join(",") }), signal, async (json) => {
        const begun = summary !== null;
        summary = json;
        if (!begun) {
            refill(
                main,
                head,
                el(
                    "div",
                    { class: "stack" },
                    card("By class", tools, chart.node, marks, said, classes),
                    card("Empty on which side", states),
                    cases.node,
                ),
            );
            redraw();
            context.ready();
        }
        await change();
        if (begun)
            say(
                run +
                    " has " +
                    plural(json.n_cases, "case", "cases") +
                    ", mean Dice " +
                    score(json.mean.dice),
                { often: false },
            );
    });
}
