// studio.js: copies values, and rests while nobody looks.
"use strict";

(() => {
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  document.getElementById("main").append(said);

  document.addEventListener("click", async (e) => {
    const button = e.target.closest("[data-copy]");
    if (!button) return;
    const value = button.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(value.textContent);
      said.textContent = "Copied.";
      button.dataset.copied = "yes";
    } catch {
      // Copying is refused on plain http: mark the value, so that one key does it.
      getSelection().selectAllChildren(value);
      said.textContent = "Marked. Press Ctrl and C, or Command and C, to copy.";
    }
    setTimeout(() => {
      said.textContent = "";
      delete button.dataset.copied;
    }, 2500);
  });

  // The health is not fetched while the page is in the background.
  document.addEventListener("htmx:beforeRequest", (e) => {
    if (document.hidden && e.target.id === "health-box") e.preventDefault();
  });
})();
