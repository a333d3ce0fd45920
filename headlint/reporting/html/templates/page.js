"use strict";

const byId = (id) => document.getElementById(id);
const findings = [...document.querySelectorAll(".finding")];
const sections = [...document.querySelectorAll(".model")];

// Light and dark: what the system says until somebody chooses; the choice is kept where the browser allows it.

const systemDark = matchMedia("(prefers-color-scheme: dark)");
const stored = {
  get() {
    try { return localStorage.getItem("headlint-theme"); } catch { return null; }
  },
  set(theme) {
    try { localStorage.setItem("headlint-theme", theme); } catch { /* a page of its own without storage */ }
  },
};

function showTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

const theme = byId("theme");
theme.hidden = false;
if (stored.get()) showTheme(stored.get());
theme.addEventListener("click", () => {
  const dark = (document.documentElement.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark";
  showTheme(dark ? "light" : "dark");
  stored.set(dark ? "light" : "dark");
});

// Filter and search.

const filters = byId("filters");
const search = byId("search");
const texts = new Map();

function textOf(finding) {
  if (!texts.has(finding)) {
    const model = finding.closest(".model").querySelector("h2").textContent;
    texts.set(finding, `${model} ${finding.textContent}`.toLowerCase());
  }
  return texts.get(finding);
}

function filter() {
  const unwanted = new Set([...filters.querySelectorAll("[name=severity]:not(:checked)")].map((box) => box.value));
  const rule = byId("rule")?.value ?? "";
  const file = byId("file")?.value ?? "";
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const finding of findings) {
    const { severity, rule: ownRule, file: ownFile } = finding.dataset;
    const wanted = !unwanted.has(severity) && (!rule || rule === ownRule) && (!file || file === ownFile)
      && words.every((word) => textOf(finding).includes(word));
    finding.hidden = !wanted;
    shown += wanted;
  }
  const all = shown === findings.length;
  for (const section of sections) section.hidden = !all && !section.querySelector(".finding:not([hidden])");
  byId("count").textContent = all ? `${shown} findings` : `${shown} of ${findings.length} findings`;
  byId("nothing").hidden = shown > 0;
}

function showAll() {
  filters.reset();
  filter();
}

if (filters) {
  filters.hidden = false;
  byId("keys").hidden = false;
  showAll();
  let waiting;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
  filters.addEventListener("change", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => { showAll(); search.focus(); });
}

// Links into the page: a finding that is filtered away is shown again, a rule's page is read without losing the place.

function follow() {
  const target = byId(location.hash.slice(1));
  if (target?.hidden) {
    showAll();
    target.scrollIntoView();
  }
  if (target?.tagName === "DETAILS") target.open = true;
}

addEventListener("hashchange", follow);
follow();

const reader = byId("reader");

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#rule-"]');
  const rule = link && byId(link.hash.slice(1));
  if (!rule || !reader?.showModal || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  byId("reader-title").textContent = [...rule.querySelector("summary").childNodes].slice(0, 2)
    .map((node) => node.textContent.trim()).join(" ");
  byId("reader-text").replaceChildren(...rule.querySelector(".rule-page").cloneNode(true).childNodes);
  reader.showModal();
  byId("reader-text").scrollTop = 0;
});

if (reader) {
  byId("close").addEventListener("click", () => reader.close());
  reader.addEventListener("click", (event) => { if (event.target === reader) reader.close(); });
}

// Keys: / searches, j and k go to the next finding and the one before.

function step(by) {
  const shown = findings.filter((finding) => !finding.hidden);
  const current = shown.findIndex((finding) => finding.id === location.hash.slice(1));
  const next = shown[Math.min(shown.length - 1, Math.max(0, current < 0 ? 0 : current + by))];
  if (next) location.hash = next.id;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || reader?.open || event.target.closest("input, select, textarea")) return;
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "j") {
    step(1);
  } else if (event.key === "k") {
    step(-1);
  }
});

// On paper everything is said that can be folded on the screen, but for the pages of the rules.

addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("main details:not([open])")) {
    fold.open = true;
    fold.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-printed]")) {
    fold.open = false;
    delete fold.dataset.printed;
  }
});
