// Texts of elements of a page. Selectors look into open shadow trees too, as Playwright's do.
(queries) => {
  const all = (root, selector) => {
    const found = [...root.querySelectorAll(selector)];
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) found.push(...all(element.shadowRoot, selector));
    }
    return found;
  };
  const first = (path) =>
    document.evaluate(path, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null).singleNodeValue;
  const kinds = {
    texts: (selector) => all(document, selector).map((element) => element.textContent),
    own_texts_of_first: (selector) =>
      all(document, selector).slice(0, 1).flatMap((element) =>
        [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE)
          .map((node) => node.textContent.trim()).filter(Boolean)),
    headings: (selector) =>
      all(document, selector).map((element) => all(element, "h3")[0]).filter(Boolean)
        .map((heading) => heading.textContent),
    list_items: (selector) =>
      all(document, selector + " li.catAllProducts").map((element) => all(element, "span")[0]).filter(Boolean)
        .map((span) => span.innerText),
    x_path: (path) => [first(path)].filter(Boolean).map((node) => node.textContent ?? ""),
    x_path_input: (path) => [first(path)].filter((node) => node && "value" in node).map((node) => String(node.value)),
  };
  const found = queries.map(({ kind, selector }) => {
    try {
      return kinds[kind](selector);
    } catch {
      return []; // A selector that is none finds nothing, with upstream too.
    }
  });
  return { url: location.href, found };
}
