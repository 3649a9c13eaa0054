// view_runs.js - all runs: how they went over time, and two of them to be compared.
// SPDX-License-Identifier: Apache-2.0
import { get, query, runPath } from "./api.js";
import { card, choice, el, refill, say } from "./dom.js";
import { METRICS, METRIC_NAMES, count, plural, score, told, when } from "./format.js";
import { follow } from "./live.js";
import { trend } from "./plot.js";
import { table } from "./table.js";

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

function columns(context, state, redraw) {
    const pick = (run) =>
        el("input", {
            type: "checkbox",
            key: "pick-" + run.run,
            checked: state.picked.includes(run.run),
            "aria-label": "compare " + run.run,
            on: {
                change: (event) => {
                    state.picked = state.picked.filter((one) => one !== run.run);
                    if (event.target.checked) state.picked = [...state.picked, run.run].slice(-2);
                    redraw();
                },
            },
        });
    return [
        {
            id: "run",
            title: "Run",
            head: true,
            value: (run) => run.run,
            cell: (run) =>
                el("a", { href: context.link(["runs", run.run]), key: "run-" + run.run }, run.run),
        },
        { id: "pick", title: "Compare", sortable: false, cell: pick },
        ...METRICS.slice(0, 2).map((metric) => ({
            id: metric,
            title: "Mean " + METRIC_NAMES[metric],
            number: true,
            value: (run) => meanOf(run, metric),
            cell: (run) => score(meanOf(run, metric)),
        })),
        {
            id: "cases",
            title: "Cases",
            number: true,
            value: (run) => run.n_cases,
            cell: (run) => count(run.n_cases),
        },
        {
            id: "dataset",
            title: "Dataset",
            text: true,
            value: (run) => told(run.info, "dataset"),
            cell: (run) => told(run.info, "dataset") ?? "–",
        },
        {
            id: "model",
            title: "Model",
            text: true,
            value: (run) => told(run.info, "model"),
            cell: (run) => told(run.info, "model") ?? "–",
        },
        {
            id: "updated",
            title: "Changed",
            value: (run) => run.updated,
            cell: (run) => el("time", { datetime: run.updated }, when(run.updated)),
        },
        {
            id: "note",
            title: "Note",
            text: true,
            sortable: false,
            cell: (run) => told(run.info, "note") ?? "",
        },
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
        const name = told(run.info, "dataset") ?? NO_DATASET;
        if (!series.has(name)) series.set(name, []);
        series.get(name).push({ x: run.run, y: meanOf(run, metric), run: run.run });
    }
    return {
        metric: METRIC_NAMES[metric],
        runs: inTime.map((run) => run.run),
        series: [...series].map(([name, points]) => ({ name, points })),
    };
}

function comparison(context, state) {
    const [a, b] = state.picked;
    if (state.picked.length < 2)
        return el(
            "p",
            { class: "hint" },
            a
                ? "One run is ticked; tick another to compare them."
                : "Tick two runs to compare them.",
        );
    const [older, newer] = [a, b].sort((x, y) => {
        const at = (name) => state.runs.find((run) => run.run === name)?.created ?? "";
        return at(x) < at(y) ? -1 : 1;
    });
    return el(
        "p",
        {},
        el(
            "a",
            { class: "button main", key: "compare", href: context.link(["compare", older, newer]) },
            "Compare ",
            older,
            " with ",
            newer,
        ),
    );
}

export async function viewRuns(context) {
    const { main, parameters, signal } = context;
    const state = { runs: [], more: [], next: null, picked: [] };
    const chart = trend(
        "Mean over cases and classes, run by run; the table below has the same numbers",
        signal,
        (point) => {
            location.hash = context.link(["runs", point.run]);
        },
    );
    const tools = el("div", { class: "tools" });
    const list = el("div");
    const metric = () => (METRICS.includes(parameters.metric) ? parameters.metric : "dice");
    const sort = () => ({
        id: parameters.sort ?? "updated",
        desc: parameters.sort ? parameters.order === "desc" : true,
    });
    const all = () => {
        const seen = new Set(state.runs.map((run) => run.run));
        return [...state.runs, ...state.more.filter((run) => !seen.has(run.run))];
    };
    const shown = () =>
        all().filter(
            (run) =>
                !parameters.dataset ||
                (told(run.info, "dataset") ?? NO_DATASET) === parameters.dataset,
        );

    function set(changes) {
        Object.assign(parameters, changes);
        context.put(parameters);
        redraw();
    }

    async function more() {
        const page = await get(query("v1/runs", { limit: PAGE, cursor: state.next }), signal);
        state.more.push(...page.runs);
        state.next = page.next;
        redraw();
        say(plural(shown().length, "run", "runs"));
        await loadMeans(page.runs, signal, redraw);
    }

    function redraw() {
        const sets = [
            ...new Set(all().map((run) => told(run.info, "dataset") ?? NO_DATASET)),
        ].sort();
        refill(
            tools,
            choice(
                "Metric",
                METRICS.map((one) => [one, METRIC_NAMES[one]]),
                metric(),
                (value) => set({ metric: value }),
                "metric",
            ),
            choice(
                "Dataset",
                [["", "all"], ...sets.map((one) => [one, one])],
                parameters.dataset ?? "",
                (value) => set({ dataset: value }),
                "dataset",
            ),
        );
        chart.update(trendData(shown(), metric()));
        refill(
            list,
            table({
                key: "runs",
                caption: "Runs",
                columns: columns(context, state, redraw),
                rows: shown(),
                sort: sort(),
                onSort: (id, desc) => set({ sort: id, order: desc ? "desc" : "asc" }),
            }),
            comparison(context, state),
            state.next
                ? el(
                      "p",
                      {},
                      el(
                          "button",
                          { type: "button", key: "more", on: { click: more } },
                          "More runs",
                      ),
                  )
                : null,
        );
    }

    await follow(query("v1/runs", { limit: PAGE }), signal, async (page) => {
        const begun = main.contains(list);
        state.runs = page.runs;
        if (!begun) {
            state.next = page.next;
            refill(
                main,
                el("h1", {}, "Runs"),
                page.runs.length === 0
                    ? el(
                          "p",
                          { class: "hint" },
                          "No run is kept yet. A case is kept by PUT /v1/runs/{run}/cases/{case}.",
                      )
                    : null,
                el(
                    "div",
                    { class: "stack" },
                    card("Trend", tools, chart.node),
                    card("All runs", list),
                ),
            );
            redraw();
            context.ready();
        }
        await loadMeans(page.runs, signal, redraw);
        redraw();
        if (begun)
            say(
                plural(page.runs.length, "run", "runs") +
                    "; " +
                    (page.runs[0] ? page.runs[0].run + " has changed" : ""),
                { often: false },
            );
    });
}
