// Filter, keys and printing. The page is whole without it: what is here only hides, unfolds and moves the focus.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const written = (count) => count.toLocaleString("en");
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // An address with # leads into details that may be folded.
  const reveal = () => {
    let target = null;
    try {
      target = byId(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return; // not an id of this page
    }
    if (!target || target === document.body) return;
    if (target.closest("[hidden]") && target.closest("#groups")) clear();
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView();
  };

  // Paper cannot be unfolded; browsers that know ::details-content do it by the style sheet alone.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = all("details:not([open])");
    for (const each of unfolded) each.open = true;
  });
  addEventListener("afterprint", () => {
    for (const each of unfolded) each.open = false;
    unfolded = [];
  });

  // The contents show where the reader is.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const inView = new Set();
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) inView[entry.isIntersecting ? "add" : "delete"](entry.target.id);
    const current = Array.from(links.keys()).find((id) => inView.has(id));
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }, { rootMargin: "-10% 0px -60% 0px" });
  for (const section of all("main > section")) watcher.observe(section);

  const form = byId("filter");
  let clear = () => {};
  if (form) {
    const query = byId("query"), domain = byId("domain"), status = byId("status"), reset = byId("clear");
    const boxes = all("input[name=severity]", form);
    const groups = all("#groups > .group").map((node) => ({
      node,
      about: node.querySelector("summary").textContent.toLowerCase(),
      extent: node.querySelector("summary .extent"),
      whole: node.querySelector("summary .extent").textContent,
      findings: all(".finding", node).map((finding) => ({ node: finding, text: null })),
    }));
    const total = groups.reduce((sum, group) => sum + group.findings.length, 0);
    const wordsOf = (finding) => (finding.text ??= finding.node.textContent.toLowerCase());

    const apply = () => {
      const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
      const severities = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      let shown = 0;
      const matching = [];
      for (const group of groups) {
        const inDomain = !domain.value || group.node.dataset.domain === domain.value;
        const left = words.filter((word) => !group.about.includes(word));
        let count = 0;
        for (const finding of group.findings) {
          const fits = inDomain && severities.has(finding.node.dataset.severity)
            && left.every((word) => wordsOf(finding).includes(word));
          finding.node.hidden = !fits;
          count += fits;
        }
        group.node.hidden = count === 0;
        group.extent.textContent = count === group.findings.length ? group.whole : `${written(count)} of ${written(group.findings.length)} shown`;
        if (count) matching.push(group.node);
        shown += count;
      }
      if (words.length && matching.length <= 3) for (const node of matching) node.open = true;
      status.textContent = (shown === total ? "" : `${written(shown)} of `) + `${written(total)} ${total === 1 ? "finding" : "findings"}`;
      reset.hidden = shown === total && !words.length;
      byId("nothing").hidden = shown > 0;
    };
    clear = () => {
      form.reset();
      apply();
    };

    let waiting = 0;
    query.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 60);
    });
    form.addEventListener("change", (event) => {
      if (event.target.id !== "keys") apply();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      apply();
    });
    reset.addEventListener("click", () => {
      clear();
      query.focus();
    });
    const fold = (open) => {
      for (const each of all("#groups .group, #groups .finding")) if (each.tagName === "DETAILS") each.open = open;
    };
    byId("unfold").addEventListener("click", () => fold(true));
    byId("fold").addEventListener("click", () => fold(false));

    // Keys. Letters can be switched off (WCAG 2.1.4) and never reach a field that is being written in.
    const move = (step) => {
      const stops = all("#groups .group > summary, #groups .group[open] .finding > summary")
        .filter((stop) => !stop.closest("[hidden]"));
      if (!stops.length) return;
      const at = stops.indexOf(document.activeElement);
      const next = at < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(Math.max(at + step, 0), stops.length - 1);
      stops[next].focus();
      stops[next].scrollIntoView({ block: "nearest" });
    };
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape" && form.contains(event.target)) {
        clear();
        return;
      }
      const writing = event.target.closest("input:not([type=checkbox]), select, textarea");
      if (writing || !byId("keys").checked) return;
      if (event.key === "/") query.focus();
      else if (event.key === "j") move(1);
      else if (event.key === "k") move(-1);
      else return;
      event.preventDefault();
    });

    form.hidden = false;
    apply();
  }

  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
})();
