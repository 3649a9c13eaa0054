// view_compare.js - two runs over the cases that both have.
// SPDX-License-Identifier: Apache-2.0
import { query, runPath, saveTable } from "./api.js";
import { button, card, choice, el, facts, metricChoice, refill, say, tile } from "./dom.js";
import { METRICS, METRIC_NAMES, className, classKey, count, interval } from "./format.js";
import { pValue, plural, score, signed, told } from "./format.js";
import { follow } from "./live.js";
import { differences } from "./plot.js";
import { classColumn, numeric, table } from "./table.js";

function verdict(paired) {
    if (!paired.interval) return "–";
    const [low, high] = paired.interval;
    if (low > 0) return el("span", { class: "good" }, "better");
    if (high < 0) return el("span", { class: "bad" }, "worse");
    return el("span", { class: "even" }, "could be chance");
}

const small = (text) => (text ? el("small", {}, text) : null);

function columns(metric, a, b) {
    const m = (row) => row.metrics[metric];
    const few = (row) =>
        m(row).few ? el("small", { class: "flag" }, "fewer than 10 cases") : null;
    const undefinedCases = (row) =>
        m(row).undefined > 0 ? count(m(row).undefined) + " without a value" : null;
    return [
        classColumn((row) => [className(row), few(row)]),
        numeric("difference", "Difference", (row) => m(row).difference, {
            cell: (row) => [
                el("b", {}, signed(m(row).difference)),
                small(interval(m(row).interval, signed)),
            ],
        }),
        { id: "verdict", title: "By interval", sortable: false, cell: (row) => verdict(m(row)) },
        numeric("wins", "Wins", (row) => m(row).wins, { show: count }),
        numeric("ties", "Ties", (row) => m(row).ties, { show: count }),
        numeric("losses", "Losses", (row) => m(row).losses, { show: count }),
        numeric("p", "Wilcoxon p", (row) => m(row).wilcoxon.p, {
            cell: (row) => [
                pValue(m(row).wilcoxon.p),
                small(m(row).wilcoxon.exact ? "exact" : "by normal distribution"),
            ],
        }),
        numeric("a", "Mean " + a, (row) => m(row).mean_a),
        numeric("b", "Mean " + b, (row) => m(row).mean_b),
        numeric("n", "Cases", (row) => m(row).n, {
            cell: (row) => [count(m(row).n), small(undefinedCases(row))],
        }),
    ];
}

function changedTable(context, row, metric, [a, b]) {
    const at = (run, name, value) => {
        const href = context.link(["runs", run, "cases", name]);
        const label = score(value) + ", " + name + " in " + run;
        return el("a", { href, key: "at-" + run + name, "aria-label": label }, score(value));
    };
    return table({
        key: "changed",
        caption: "Cases that changed most",
        rows: row ? row.metrics[metric].changed : [],
        columns: [
            { id: "case", title: "Case", head: true, cell: (one) => one.case },
            numeric("a", a, null, { cell: (one) => at(a, one.case, one.a) }),
            numeric("b", b, null, { cell: (one) => at(b, one.case, one.b) }),
            numeric("difference", "Difference", null, {
                cell: (one) => el("b", {}, signed(one.difference)),
            }),
        ],
    });
}

function missing(context, run, other, { n, cases }) {
    if (n === 0) return el("p", {}, "Every case of " + run + " is in " + other + ".");
    const verb = n === 1 ? " is" : " are";
    const said = plural(n, "case", "cases") + " of " + run + verb + " not in " + other + ":";
    const link = (name) => {
        const href = context.link(["runs", run, "cases", name]);
        return el("li", {}, el("a", { href, key: "lacking-" + run + name }, name));
    };
    const rest = n - cases.length;
    const more = rest > 0 ? el("li", {}, "and " + count(rest) + " more") : null;
    return el("div", {}, el("p", {}, said), el("ul", { class: "names" }, cases.map(link), more));
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

class CompareView {
    json = null;
    head = el("div", { class: "head" });
    tools = el("div", { class: "tools" });
    classes = el("div");
    changed = el("div");
    lacking = el("div", { class: "pair" });

    constructor(context) {
        this.context = context;
        this.parameters = context.parameters;
        this.names = context.names;
        const [a, b] = this.names;
        this.path = query(runPath(a, "compare", b), { metrics: METRICS.join(",") });
        this.chart = differences(
            "Difference of each class's means with its interval; the table below has the same",
            context.signal,
        );
    }

    get metric() {
        return METRICS.includes(this.parameters.metric) ? this.parameters.metric : "dice";
    }

    get rows() {
        return [...this.json.classes, ...this.json.regions];
    }

    set(changes) {
        Object.assign(this.parameters, changes);
        this.context.put(this.parameters);
        this.draw();
    }

    place() {
        refill(
            this.context.main,
            this.head,
            el(
                "div",
                { class: "stack" },
                card("Difference by class", this.tools, this.chart.node, this.classes),
                card("Cases that changed most", this.changed),
                card("Cases on one side only", this.lacking),
            ),
        );
    }

    drawClasses() {
        const [a, b] = this.names;
        const { sort, order } = this.parameters;
        refill(
            this.tools,
            metricChoice(this.metric, (metric) => this.set({ metric })),
            button("Save as CSV", "csv", () => saveTable(this.path, a + "-" + b)),
        );
        this.chart.update({
            metric: METRIC_NAMES[this.metric],
            rows: this.rows.map((row) => ({ ...row.metrics[this.metric], name: className(row) })),
        });
        const meaning = ["Differences are ", b, " minus ", a, "; wins are cases where ", b];
        const caution = " is greater. p is two-sided and not corrected for the number of classes.";
        refill(
            this.classes,
            table({
                key: "paired",
                caption: "Differences by class",
                columns: columns(this.metric, a, b),
                rows: this.rows,
                sort: { id: sort ?? "class", desc: order === "desc" },
                onSort: (id, desc) => this.set({ sort: id, order: desc ? "desc" : "" }),
            }),
            el("p", { class: "hint" }, meaning, caution),
        );
    }

    drawCases() {
        const [a, b] = this.names;
        const chosen = this.parameters.class ?? "";
        const all = this.rows.map((row) => [classKey(row), className(row)]);
        const row = this.rows.find((one) => classKey(one) === chosen) ?? this.rows[0];
        const choose = (value) => this.set({ class: value });
        refill(
            this.changed,
            el("div", { class: "tools" }, choice("Class", all, chosen, choose, "class")),
            changedTable(this.context, row, this.metric, this.names),
        );
        refill(
            this.lacking,
            missing(this.context, a, b, this.json.only_a),
            missing(this.context, b, a, this.json.only_b),
        );
    }

    draw() {
        refill(this.head, head(this.context, this.json));
        this.drawClasses();
        this.drawCases();
    }
}

export async function viewCompare(context) {
    const view = new CompareView(context);
    const draw = (json) => {
        const begun = view.json !== null;
        view.json = json;
        if (!begun) view.place();
        view.draw();
        if (!begun) context.ready();
        else say(plural(json.n_both, "case", "cases") + " in both runs", { often: false });
    };
    await follow(view.path, context.signal, draw, { waits: false });
}
