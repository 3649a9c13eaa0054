// view_compare.js - two runs over the cases that both have.
// SPDX-License-Identifier: Apache-2.0
import { query, runPath, saveTable } from "./api.js";
import { button, card, choice, el, facts, refill, say, tile } from "./dom.js";
import {
    METRICS,
    METRIC_NAMES,
    className,
    classKey,
    count,
    interval,
    pValue,
    plural,
    score,
    signed,
    told,
} from "./format.js";
import { follow } from "./live.js";
import { differences } from "./plot.js";
import { table } from "./table.js";

function verdict(paired) {
    if (!paired.interval) return null;
    const [low, high] = paired.interval;
    if (low > 0) return el("span", { class: "good" }, "better");
    if (high < 0) return el("span", { class: "bad" }, "worse");
    return el("span", { class: "even" }, "could be chance");
}

function columns(metric, a, b) {
    const m = (row) => row.metrics[metric];
    return [
        {
            id: "class",
            title: "Class",
            head: true,
            value: (row) => row.label ?? row.name,
            cell: (row) => [
                className(row),
                m(row).few ? el("small", { class: "flag" }, "fewer than 10 cases") : null,
            ],
        },
        {
            id: "difference",
            title: "Difference",
            number: true,
            value: (row) => m(row).difference,
            cell: (row) => [
                el("b", {}, signed(m(row).difference)),
                m(row).interval ? el("small", {}, interval(m(row).interval, signed)) : null,
            ],
        },
        {
            id: "verdict",
            title: "By interval",
            sortable: false,
            cell: (row) => verdict(m(row)) ?? "–",
        },
        {
            id: "wins",
            title: "Wins",
            number: true,
            value: (row) => m(row).wins,
            cell: (row) => count(m(row).wins),
        },
        {
            id: "ties",
            title: "Ties",
            number: true,
            value: (row) => m(row).ties,
            cell: (row) => count(m(row).ties),
        },
        {
            id: "losses",
            title: "Losses",
            number: true,
            value: (row) => m(row).losses,
            cell: (row) => count(m(row).losses),
        },
        {
            id: "p",
            title: "Wilcoxon p",
            number: true,
            value: (row) => m(row).wilcoxon.p,
            cell: (row) => [
                pValue(m(row).wilcoxon.p),
                el("small", {}, m(row).wilcoxon.exact ? "exact" : "by normal distribution"),
            ],
        },
        {
            id: "a",
            title: "Mean " + a,
            number: true,
            value: (row) => m(row).mean_a,
            cell: (row) => score(m(row).mean_a),
        },
        {
            id: "b",
            title: "Mean " + b,
            number: true,
            value: (row) => m(row).mean_b,
            cell: (row) => score(m(row).mean_b),
        },
        {
            id: "n",
            title: "Cases",
            number: true,
            value: (row) => m(row).n,
            cell: (row) => [
                count(m(row).n),
                m(row).undefined > 0
                    ? el("small", {}, count(m(row).undefined) + " without a value")
                    : null,
            ],
        },
    ];
}

function changedTable(context, rows, chosen, metric, [a, b]) {
    const row = rows.find((one) => classKey(one) === chosen) ?? rows[0];
    const at = (run, one) =>
        el(
            "a",
            {
                href: context.link(["runs", run, "cases", one.case]),
                key: "at-" + run + one.case,
                "aria-label": score(run === a ? one.a : one.b) + ", " + one.case + " in " + run,
            },
            score(run === a ? one.a : one.b),
        );
    return table({
        key: "changed",
        caption: "Cases that changed most",
        rows: row ? row.metrics[metric].changed : [],
        columns: [
            { id: "case", title: "Case", head: true, cell: (one) => one.case },
            { id: "a", title: a, number: true, cell: (one) => at(a, one) },
            { id: "b", title: b, number: true, cell: (one) => at(b, one) },
            {
                id: "difference",
                title: "Difference",
                number: true,
                cell: (one) => el("b", {}, signed(one.difference)),
            },
        ],
    });
}

function missing(context, run, other, lacking) {
    if (lacking.n === 0) return el("p", {}, "Every case of " + run + " is in " + other + ".");
    const rest = lacking.n - lacking.cases.length;
    return el(
        "div",
        {},
        el(
            "p",
            {},
            plural(lacking.n, "case", "cases") +
                " of " +
                run +
                " " +
                (lacking.n === 1 ? "is" : "are") +
                " not in " +
                other +
                ":",
        ),
        el(
            "ul",
            { class: "names" },
            lacking.cases.map((name) =>
                el(
                    "li",
                    {},
                    el(
                        "a",
                        {
                            href: context.link(["runs", run, "cases", name]),
                            key: "lacking-" + run + name,
                        },
                        name,
                    ),
                ),
            ),
            rest > 0 ? el("li", {}, "and " + count(rest) + " more") : null,
        ),
    );
}

function head(context, json) {
    const [a, b] = [json.a, json.b];
    const name = (run) => [
        el("a", { href: context.link(["runs", run.run]), key: "run-" + run.run }, run.run),
        told(run.info, "model") ? " · " + told(run.info, "model") : null,
        " · ",
        plural(run.n_cases, "case", "cases"),
    ];
    return [
        el("h1", {}, a.run, el("span", { class: "versus" }, " compared with "), b.run),
        facts([
            ["first (a)", name(a)],
            ["second (b)", name(b)],
        ]),
        el(
            "dl",
            { class: "tiles" },
            tile("Cases in both", count(json.n_both)),
            tile("Only in first", count(json.only_a.n)),
            tile("Only in second", count(json.only_b.n)),
            tile(
                "Drawn for intervals",
                json.bootstrap ? count(json.bootstrap.n_units) : "–",
                json.bootstrap
                    ? json.bootstrap.unit + "s, " + count(json.bootstrap.resamples) + " times"
                    : "none",
            ),
        ),
        el(
            "p",
            {},
            el(
                "a",
                { href: context.link(["compare", b.run, a.run]), key: "swap" },
                "The other way round",
            ),
        ),
    ];
}

export async function viewCompare(context) {
    const {
        main,
        names: [a, b],
        parameters,
        signal,
    } = context;
    const metric = () => (METRICS.includes(parameters.metric) ? parameters.metric : "dice");
    const top = el("div", { class: "head" });
    const tools = el("div", { class: "tools" });
    const classes = el("div");
    const changed = el("div");
    const lacking = el("div", { class: "pair" });
    const chart = differences(
        "Difference of each class's means with its interval; the table below has the same numbers",
        signal,
    );
    const path = query(runPath(a, "compare", b), { metrics: METRICS.join(",") });
    let json = null;

    function set(changes) {
        Object.assign(parameters, changes);
        context.put(parameters);
        redraw();
    }

    function redraw() {
        const rows = [...json.classes, ...json.regions];
        refill(top, head(context, json));
        refill(
            tools,
            choice(
                "Metric",
                METRICS.map((one) => [one, METRIC_NAMES[one]]),
                metric(),
                (value) => set({ metric: value }),
                "metric",
            ),
            button("Save as CSV", "csv", () => saveTable(path, a + "-" + b)),
        );
        chart.update({
            metric: METRIC_NAMES[metric()],
            rows: rows.map((row) => ({
                name: className(row),
                difference: row.metrics[metric()].difference,
                interval: row.metrics[metric()].interval,
            })),
        });
        refill(
            classes,
            table({
                key: "paired",
                caption: "Differences by class",
                columns: columns(metric(), a, b),
                rows,
                sort: { id: parameters.sort ?? "class", desc: parameters.order === "desc" },
                onSort: (id, desc) => set({ sort: id, order: desc ? "desc" : "" }),
            }),
            el(
                "p",
                { class: "hint" },
                "Differences are " +
                    b +
                    " minus " +
                    a +
                    "; wins are cases where " +
                    b +
                    " is greater. p is two-sided and not corrected for the number of classes.",
            ),
        );
        refill(
            changed,
            el(
                "div",
                { class: "tools" },
                choice(
                    "Class",
                    rows.map((row) => [classKey(row), className(row)]),
                    parameters.class ?? "",
                    (value) => set({ class: value }),
                    "class",
                ),
            ),
            changedTable(context, rows, parameters.class, metric(), [a, b]),
        );
        refill(lacking, missing(context, a, b, json.only_a), missing(context, b, a, json.only_b));
    }

    await follow(
        path,
        signal,
        (next) => {
            const begun = json !== null;
            json = next;
            if (!begun) {
                refill(
                    main,
                    top,
                    el(
                        "div",
                        { class: "stack" },
                        card("Difference by class", tools, chart.node, classes),
                        card("Cases that changed most", changed),
                        card("Cases on one side only", lacking),
                    ),
                );
            }
            redraw();
            if (!begun) context.ready();
            else say(plural(json.n_both, "case", "cases") + " in both runs", { often: false });
        },
        { waits: false },
    );
}
