// What Chrome's page of settings says of light and dark: preferences that it knows, and the texts of all that is chosen on it.
() => {
  const known = document.querySelector("settings-ui")?.prefs;
  const chosen = [];
  const visit = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.matches('[selected], [checked], [aria-checked="true"], option:checked')) {
        const text = (element.innerText || element.textContent || "").trim();
        if (text) chosen.push(text);
      }
      if (element.shadowRoot) visit(element.shadowRoot);
    }
  };
  visit(document);
  const preferences = {};
  for (const name of ["browser.theme.color_scheme", "browser.theme.color_scheme2", "extensions.theme.system_theme"]) {
    const value = name.split(".").reduce((at, part) => at?.[part], known)?.value;
    if (value !== undefined) preferences[name] = value;
  }
  return known || chosen.length ? { preferences, chosen } : null;
}
