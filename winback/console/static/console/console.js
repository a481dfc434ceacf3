/* Everything works without this file; it saves some clicks. */
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* Light, dark or as the system */
  const themes = document.querySelector("[data-theme-switch]");
  if (themes) {
    const show = (mode) => all("button", themes).forEach((b) => b.setAttribute("aria-pressed", String(b.value === mode)));
    themes.hidden = false;
    show(document.documentElement.dataset.theme || "auto");
    themes.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      if (button.value === "auto") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = button.value;
      try { localStorage.setItem("theme", button.value); } catch { /* for this page only, then */ }
      show(button.value);
    });
  }

  /* Find a page: "/" from anywhere */
  const finder = document.querySelector("[data-nav-filter]");
  if (finder) {
    const input = finder.querySelector("input");
    const sections = all(".wb-nav-section");
    finder.hidden = false;
    const filter = () => {
      const wanted = input.value.trim().toLowerCase();
      sections.forEach((section) => {
        let any = false;
        all("li", section).forEach((item) => {
          item.hidden = !item.textContent.toLowerCase().includes(wanted);
          any ||= !item.hidden;
        });
        section.hidden = !any;
      });
    };
    input.addEventListener("input", filter);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = ""; filter(); }
      if (event.key === "Enter") {
        const found = all(".wb-nav-section:not([hidden]) li:not([hidden]) a")[0];
        if (found && input.value) location.assign(found.href);
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select, [contenteditable]")) return;
      event.preventDefault();
      input.focus();
    });
  }

  /* Work that goes on is looked at again; whoever types, or looks elsewhere, is left in peace */
  const open = document.querySelector("[data-reload-seconds]");
  if (open) {
    setInterval(() => {
      if (document.hidden || document.activeElement?.closest("input, textarea, select, form")) return;
      location.reload();
    }, Number(open.dataset.reloadSeconds) * 1000);
  }

  /* Choosing a business is enough */
  all("form[data-autosubmit]").forEach((form) => {
    form.classList.add("wb-auto");
    form.addEventListener("change", () => form.requestSubmit());
  });

  /* Menus close on a click beside them and on Escape */
  const menus = "details.wb-account[open], details.wb-filter[open], details.wb-definition[open]";
  document.addEventListener("click", (event) => {
    all(menus).forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all(menus).forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });

  /* Parts that refresh themselves: <div data-poll="/console/…" data-every="2">; status 286 says that it is done */
  all("[data-poll]").forEach((part) => {
    const every = Math.max(1, Number(part.dataset.every) || 2) * 1000;
    const look = async () => {
      if (document.hidden) { setTimeout(look, every); return; }
      try {
        const answer = await fetch(part.dataset.poll, { headers: { "X-Fragment": "1" }, redirect: "error" });
        if (answer.ok || answer.status === 286) part.innerHTML = await answer.text();
        if (answer.status === 286 || answer.status === 403 || answer.status === 404) return;
      } catch { /* offline: try again */ }
      setTimeout(look, every);
    };
    setTimeout(look, every);
  });

  /* A searched choice is called what its label says: select2 names it by its value alone, which may be empty */
  const nameSearched = () => all(".select2-selection:not([data-named])").forEach((box) => {
    const field = box.closest(".select2-container").previousElementSibling;
    const label = field && document.querySelector(`label[for="${field.id}"]`);
    if (!label) return;
    label.id ||= `${field.id}-label`;
    box.dataset.named = "";
    all("[role=textbox]", box).concat(box).forEach((part) => {
      part.setAttribute("aria-labelledby", [label.id, part.getAttribute("aria-labelledby")].filter(Boolean).join(" "));
    });
  });
  if (document.querySelector(".admin-autocomplete"))
    new MutationObserver(nameSearched).observe(document.body, { childList: true, subtree: true });

  /* One press is enough */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(() => { delete form.dataset.sent; }, 4000);
  });
})();

// Copy what a button names, such as a DNS record.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button || !navigator.clipboard) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
});
