"use strict";
/* Fetches the status and the metrics once a second while it can be seen, and shows them. */

const PERIOD_MS = 1000;
const byId = id => document.getElementById(id);
let before = null;
let paused = false;
let busy = false;

/* ---- Prometheus text: { name: { labels: value } } ---- */

function parseMetrics(text) {
	const metrics = {};
	for (const line of text.split("\n")) {
		const found = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
		if (!found)
			continue;
		(metrics[found[1]] ??= {})[found[2] ?? ""] = Number(found[3]);
	}
	return metrics;
}

function metric(metrics, name, labels = "") {
	return metrics["brood_" + name]?.[labels] ?? 0;
}

/* The counts below each bound, in rising order. */
function buckets(metrics) {
	return Object.entries(metrics.brood_request_duration_seconds_bucket ?? {})
		.map(([labels, n]) => [Number(labels.slice(4, -1).replace("+Inf", "Infinity")), n])
		.sort((a, b) => a[0] - b[0]);
}

function percentile(now, last, part) {
	const earlier = new Map(last);
	const since = now.map(([bound, n]) => [bound, n - (earlier.get(bound) ?? 0)]);
	const total = since.at(-1)?.[1] ?? 0;
	return total > 0 ? since.find(([, n]) => n >= part * total)[0] : null;
}

/* ---- words ---- */

function count(n) {
	return Math.round(n).toLocaleString("en");
}

function seconds(s) {
	if (s === null)
		return "–";
	if (!Number.isFinite(s))
		return "over a minute";
	if (s < 0.001)
		return Math.round(s * 1e6) + " µs";
	return s < 1 ? (s * 1000).toFixed(s < 0.01 ? 1 : 0) + " ms" : s.toFixed(1) + " s";
}

function span(ms) {
	const s = Math.floor(ms / 1000);
	if (s < 60)
		return s + " s";
	if (s < 3600)
		return Math.floor(s / 60) + " min";
	return s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d";
}

function bytes(n) {
	return n < 1048576 ? (n / 1024).toFixed(0) + " KiB" : (n / 1048576).toFixed(1) + " MiB";
}

/* ---- what is shown ---- */

function list(id, pairs) {
	const dl = byId(id);
	if (dl.childElementCount !== pairs.length) {
		dl.replaceChildren(...pairs.map(() => {
			const div = document.createElement("div");
			div.append(document.createElement("dt"), document.createElement("dd"));
			return div;
		}));
	}
	pairs.forEach(([name, value], i) => {
		dl.children[i].children[0].textContent = name;
		dl.children[i].children[1].textContent = value;
	});
}

function say(text, good) {
	const state = byId("state");
	if (state.textContent !== text)		/* told aloud only when it changes */
		state.textContent = text;
	state.className = good ? "good" : "bad";
}

function showState(status) {
	if (status.pre_draining)
		say("not ready: draining soon", false);
	else if (status.stopping)
		say("draining", false);
	else if (!status.ready)
		say("starting", false);
	else
		say(status.reload.running ? `ready, reloading: ${status.reload.left} left` : "ready", true);
}

function rate(now, name, labels = "") {
	if (!before)
		return 0;
	const n = metric(now.metrics, name, labels) - metric(before.metrics, name, labels);
	return Math.max(0, n) * 1000 / (now.at - before.at);
}

/* What workers do beside requests, where they do it. */
function uses({ tasks, state, messages }) {
	const pairs = [];
	if (tasks) {
		const { totals, slots } = tasks;
		const running = slots.filter(slot => slot.process?.running).length;
		pairs.push(["task processes", `${slots.length}, ${running} running`], ["tasks queued", count(tasks.queued)],
			["tasks done", count(totals.done)], ["tasks failed, crashed, too late", `${count(totals.failed)}, ` +
			`${count(totals.crashed)}, ${count(totals.timed_out)}`], ["tasks refused", count(totals.refused)]);
	}
	if (state)
		pairs.push(["state read, written", `${count(state.reads)}, ${count(state.writes)}`],
			["state evicted, refused", `${count(state.evictions)}, ${count(state.refusals)}`]);
	if (messages)
		pairs.push(["messages relayed", `${count(messages.relayed)}, ${bytes(messages.relayed_bytes)}`],
			["messages refused", count(messages.refused)]);
	return pairs;
}

function showPool(now) {
	const { status, metrics } = now;
	list("pool", [
		["listens on", status.listen.join(", ")],
		["model", status.model],
		["engine", status.engine ?? "–"],
		["balance", status.balance ?? "–"],
		["up", span(status.uptime_ms)],
		["connections", count(metric(metrics, "connections"))],
		["new connections/s", count(rate(now, "connections_accepted_total"))],
		["requests", count(metric(metrics, "requests_total"))],
		["in flight", count(metric(metrics, "requests_in_flight"))],
		["5xx", count(metric(metrics, "responses_total", 'class="5xx"'))],
		["refused", count(metric(metrics, "requests_refused_total"))],
		["sent/s", bytes(rate(now, "transmit_bytes_total"))],
		["imbalance", status.imbalance === null ? "–" : status.imbalance.toFixed(2)],
		["restarts", count(status.restarts)],
		...uses(status),
	]);
}

function showLatency(now) {
	const cells = byId("latency").children;
	const last = before ? buckets(before.metrics) : [];
	const all = buckets(now.metrics);
	cells[0].textContent = count(rate(now, "requests_total"));
	[0.5, 0.9, 0.99, 0.999].forEach((part, i) => {
		cells[i + 1].textContent = seconds(percentile(all, last, part));
	});
}

function row(n) {
	const tr = document.createElement("tr");
	const th = document.createElement("th");
	th.scope = "row";
	tr.append(th);
	for (let i = 1; i < n; i++)
		tr.append(document.createElement("td"));
	return tr;
}

function showWorkers(now) {
	const body = byId("workers");
	const { slots } = now.status;
	while (body.childElementCount > slots.length)
		body.lastElementChild.remove();
	while (body.childElementCount < slots.length)
		body.append(row(12));
	slots.forEach((slot, i) => {
		const { worker } = slot;
		const label = `slot="${slot.slot}"`;
		const texts = [slot.slot, slot.state.toLowerCase().replace("_", " "), ...(worker ? [
			worker.pid, span(worker.uptime_ms), count(worker.connections),
			count(rate(now, "worker_requests_total", label)), count(worker.requests), seconds(worker.lag_ms / 1000),
			bytes(metric(now.metrics, "worker_resident_memory_bytes", label)),
			Math.round(100 * rate(now, "worker_cpu_seconds_total", label)) + " %",
		] : Array(8).fill("–")), slot.restarts,
		slot.last_death ? `${slot.last_death.how}, ${span(slot.last_death.ago_ms)} ago` : "–"];
		texts.forEach((text, j) => {
			body.children[i].children[j].textContent = text;
		});
	});
}

function showDeaths(now) {
	const deaths = Object.entries(now.metrics.brood_worker_deaths_total ?? {});
	list("deaths", deaths.map(([labels, n]) => [labels.slice(7, -1), count(n)]));
}

/* ---- the clock ---- */

async function fetchText(path) {
	const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(3000) });
	if (!response.ok)
		throw new Error(`${path}: ${response.status}`);
	return response.text();
}

async function look() {
	if (busy || paused || document.hidden)
		return;
	busy = true;
	try {
		const [status, metrics] = await Promise.all([fetchText("/status.json"), fetchText("/metrics")]);
		const now = { status: JSON.parse(status), metrics: parseMetrics(metrics), at: performance.now() };
		byId("version").textContent = now.status.brood;
		showState(now.status);
		showPool(now);
		showLatency(now);
		showWorkers(now);
		showDeaths(now);
		before = now;
	} catch (error) {
		say(`no answer (${error.message})`, false);
	}
	busy = false;
}

byId("pause").addEventListener("click", event => {
	paused = !paused;
	event.target.setAttribute("aria-pressed", String(paused));
	look();
});
document.addEventListener("visibilitychange", look);
setInterval(look, PERIOD_MS);
look();
