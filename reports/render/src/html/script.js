// Filters, sorts and copies; the page says everything without it.
"use strict";
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
}
const form = document.querySelector(".controls");
if (form) {
  const list = document.querySelector(".orders");
  const orders = [...list.querySelectorAll("details.order")];
  const show = () => {
    const wanted = [...form.querySelectorAll("[data-filter]")].filter((select) => select.value);
    const text = form.querySelector("[data-find]").value.trim().toLowerCase();
    let shown = 0;
    for (const order of orders) {
      const fits = wanted.every((select) => order.dataset[select.dataset.filter] === select.value)
        && (!text || order.textContent.toLowerCase().includes(text));
      order.hidden = !fits;
      shown += fits;
    }
    const key = form.querySelector("[data-sort]").value;
    const sorted = key ? [...orders].sort((a, b) => b.dataset[key] - a.dataset[key]) : orders;
    list.append(...sorted);
    form.querySelector("output").textContent = `${shown} of ${orders.length} shown`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", show);
  form.hidden = false;
  show();
}
