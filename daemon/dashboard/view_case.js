// view_case.js - one case: its counts and scores, and where the error is.
// SPDX-License-Identifier: Apache-2.0
import { get, getImage, query, runPath } from "./api.js";
import { card, el, facts, refill, say, tile } from "./dom.js";
import {
    METRICS,
    METRIC_NAMES,
    STATE_NAMES,
    className,
    classKey,
    count,
    score,
    webAddress,
    when,
} from "./format.js";
import { follow } from "./live.js";
import { distribution } from "./plot.js";
import { table } from "./table.js";
import { chartRows, legend } from "./view_run.js";

const COUNTS = [
    ["tp", "True positive"],
    ["fp", "False positive"],
    ["fn", "False negative"],
    ["prediction", "In prediction"],
    ["reference", "In reference"],
];

const COLUMNS = [
    {
        id: "class",
        title: "Class",
        head: true,
        value: (row) => row.label ?? row.name,
        cell: className,
    },
    {
        id: "state",
        title: "State",
        value: (row) => row.state,
        cell: (row) => STATE_NAMES[row.state] ?? row.state,
    },
    ...METRICS.map((metric) => ({
        id: metric,
        title: METRIC_NAMES[metric],
        number: true,
        value: (row) => row[metric],
        cell: (row) => score(row[metric], 4),
    })),
    ...COUNTS.map(([id, title]) => ({
        id,
        title,
        number: true,
        value: (row) => row[id],
        cell: (row) => count(row[id]),
    })),
];

function imageLink(image) {
    const address = image === null ? null : webAddress(image);
    return address === null
        ? image
        : el("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, image);
}

// ---- among the others ---------------------------------------------------------------------------

function amongOthers(kept, classes, chart) {
    const own = new Map([...kept.classes, ...kept.regions].map((row) => [classKey(row), row]));
    const rows = classes.filter((row) => own.has(classKey(row)));
    const points = rows
        .map((row, y) => ({ x: own.get(classKey(row)).dice, y, case: kept.case }))
        .filter((point) => typeof point.x === "number");
    const node = card(
        "Among the cases of its run",
        chart.node,
        legend("dice", "own", "this case"),
        table({
            key: "among",
            caption: "Dice of this case among the cases of its run",
            rows,
            columns: [
                { id: "class", title: "Class", head: true, cell: className },
                {
                    id: "own",
                    title: "This case",
                    number: true,
                    cell: (row) => el("b", {}, score(own.get(classKey(row)).dice)),
                },
                ...[
                    ["q1", "25 %"],
                    ["median", "Median"],
                    ["q3", "75 %"],
                    ["mean", "Mean"],
                ].map(([id, title]) => ({
                    id,
                    title,
                    number: true,
                    cell: (row) => score(row.metrics.dice[id]),
                })),
                {
                    id: "trivial",
                    title: "Trivial",
                    number: true,
                    cell: (row) => score(row.trivial.dice),
                },
            ],
        }),
    );
    return {
        node,
        data: { rows: chartRows(rows, "dice"), points, metric: METRIC_NAMES.dice, one: true },
    };
}

// ---- the error ----------------------------------------------------------------------------------

function strip(overlay) {
    const slices = overlay.dice.map((dice, i) => {
        const bar = el("i", {
            class: dice === null ? "none" : i === overlay.slice ? "here" : null,
            title: "slice " + i + ": " + score(dice),
        });
        bar.style.height = Math.max(4, (dice ?? 0) * 100) + "%";
        return bar;
    });
    return el("div", { class: "strip", "aria-hidden": "true" }, slices);
}

function sliceTable(overlay) {
    const rows = overlay.dice.map((dice, slice) => ({ slice, dice }));
    return el(
        "details",
        {},
        el("summary", {}, "Dice of each slice, as a table"),
        table({
            key: "slices",
            caption: "Dice of each slice",
            rows,
            columns: [
                {
                    id: "slice",
                    title: "Slice",
                    head: true,
                    cell: (row) =>
                        String(row.slice) + (row.slice === overlay.slice ? " (shown)" : ""),
                },
                { id: "dice", title: "Dice", number: true, cell: (row) => score(row.dice, 4) },
            ],
        }),
    );
}

const MEANINGS = [
    ["tp", "true positive"],
    ["fp", "false positive: predicted, not there"],
    ["fn", "false negative: there, not predicted"],
    ["wrong", "both, of different classes"],
    ["ignored", "ignored"],
];

function caption({ axis, slice, slices, scale }) {
    const where =
        axis !== null && slices > 1
            ? "Slice " + slice + ", counted from 0, of " + slices + " along axis " + axis
            : "The image";
    const why = slices > 1 ? ", the one with most false voxels." : ".";
    const coarse = "A pixel is the gravest of " + scale + " × " + scale + " voxels.";
    return { where, why, coarse: scale > 1 ? coarse : null };
}

function figure(overlay, src) {
    const { where, why, coarse } = caption(overlay);
    const { width, height } = overlay;
    const alt = where + ", true positives, false positives and false negatives in colours";
    const meanings = MEANINGS.map(([mark, text]) =>
        el("li", {}, el("i", { class: "mark " + mark, "aria-hidden": "true" }), text),
    );
    return el(
        "figure",
        { class: "overlay" },
        el("img", { src, width, height, alt }),
        el(
            "figcaption",
            {},
            where + why,
            coarse ? el("p", { class: "hint" }, coarse) : null,
            el("ul", { class: "legend" }, meanings),
        ),
    );
}

async function overlayCard(run, name, overlay, signal) {
    const blob = await getImage(runPath(run, "cases", name) + "/overlay", signal);
    const address = URL.createObjectURL(blob);
    signal.addEventListener("abort", () => URL.revokeObjectURL(address), { once: true });
    const hint = el("p", { class: "hint" }, "Dice of each slice, all classes together");
    const slices = overlay.slices > 1 ? [hint, strip(overlay), sliceTable(overlay)] : null;
    return card("Where the error is", figure(overlay, address), slices);
}

// ---- the view -----------------------------------------------------------------------------------

function head(context, run, kept) {
    const dice = kept.classes.map((row) => row.dice).filter((value) => typeof value === "number");
    const mean = dice.length > 0 ? dice.reduce((sum, value) => sum + value, 0) / dice.length : null;
    const tags = kept.tags.map((tag) => el("span", { class: "tag" }, tag));
    return [
        el("h1", {}, kept.case),
        facts([
            ["run", el("a", { href: context.link(["runs", run]), key: "run" }, run)],
            ["group", kept.group],
            ["tags", tags.length > 0 ? tags : null],
            ["image", imageLink(kept.image)],
            ["kept", when(kept.kept)],
        ]),
        el(
            "dl",
            { class: "tiles" },
            tile("Mean Dice", score(mean, 4), "of its classes"),
            tile("Voxels", count(kept.voxels)),
            tile("Classes", count(kept.classes.length)),
        ),
    ];
}

function classesCard(kept, parameters, onSort) {
    const classes = table({
        key: "case",
        caption: "Classes of the case",
        columns: COLUMNS,
        rows: [...kept.classes, ...kept.regions],
        sort: { id: parameters.sort ?? "class", desc: parameters.order === "desc" },
        onSort,
    });
    return card("Classes", classes);
}

export async function viewCase(context) {
    const { main, names, parameters, signal } = context;
    const [run, name] = names;
    const metrics = METRICS.join(",");
    const text =
        "Dice of this case among the cases of its run; the table below has the same numbers";
    const chart = distribution(text, signal, () => {});
    let kept = null;
    let picture = null;
    let among = null;

    function sort(id, desc) {
        Object.assign(parameters, { sort: id, order: desc ? "desc" : "" });
        context.put(parameters);
        draw();
    }

    function draw() {
        const cards = [classesCard(kept, parameters, sort), picture, among];
        refill(main, head(context, run, kept), el("div", { class: "stack" }, cards));
    }

    async function load(json) {
        const begun = kept !== null;
        kept = json;
        draw();
        if (!begun) context.ready();
        picture = json.overlay
            ? await overlayCard(run, name, json.overlay, signal).catch(() => null)
            : null;
        const { classes, regions } = await get(query(runPath(run), { metrics }), signal);
        if (signal.aborted) return;
        const { node, data } = amongOthers(json, [...classes, ...regions], chart);
        among = node;
        draw();
        chart.update(data); // once its canvas has a place, and so a size
        if (begun) say(name + " was looked at again", { often: false });
    }

    await follow(query(runPath(run, "cases", name), { metrics }), signal, load);
}
