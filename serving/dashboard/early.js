// Before the first paint: which view the address asks for, so that no other one is seen first.
{
  const asked = new URLSearchParams(location.search).get("view");
  document.documentElement.dataset.view = ["live", "sql"].includes(asked) ? asked : "overview";
}
