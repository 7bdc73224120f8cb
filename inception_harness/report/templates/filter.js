(() => {
  "use strict";
  // A link to a behaviour's story opens it; browsers differ in doing so by themselves.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const story = target && target.closest("details");
    if (!story) return;
    if (target.closest("[hidden]")) reset();
    story.open = true;
    target.scrollIntoView({ block: "center" });
  };
  const form = document.getElementById("filter");
  const status = document.getElementById("filter-status");
  // A behaviour is a row of its own, or a variant inside the row that many share.
  const rows = [...document.querySelectorAll("#behaviours [data-state]")];
  const entries = [...document.querySelectorAll("#behaviours tr.behaviour")];
  const groups = [...document.querySelectorAll("#behaviours [data-group]")];
  const reset = () => { form.reset(); apply(); };
  const apply = () => {
    const { state, kind, words } = Object.fromEntries(new FormData(form));
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const fits = (!state || row.dataset.state === state) && (!kind || row.dataset.kind === kind)
        && wanted.every((word) => row.dataset.words.includes(word));
      row.hidden = !fits;
      const more = row.nextElementSibling;
      if (more && !more.matches("[data-state]")) more.hidden = !fits;
      shown += fits;
    }
    for (const entry of entries) {
      const story = entry.nextElementSibling;
      if (!entry.dataset.state) entry.hidden = story.hidden = !story.querySelector(".variant:not([hidden])");
    }
    for (const group of groups) group.hidden = !group.querySelector("tr.behaviour:not([hidden])");
    status.textContent = shown === rows.length ? `All ${shown} behaviours are shown.`
      : shown ? `${shown} of ${rows.length} behaviours are shown.` : "No behaviour fits.";
  };
  if (form) {
    form.hidden = false;
    form.addEventListener("input", apply);
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
  }
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    // A second click on the same link changes no hash.
    if (link && link.getAttribute("href") === location.hash) open();
  });
  open();
})();
