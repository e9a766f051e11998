// The page as it stands, as markup without scripts. Runs apart from the page's own scripts.
(() => {
  const LEFT_OUT = new Set(["SCRIPT", "NOSCRIPT", "TEMPLATE", "BASE"]);
  const DRAWN_BYTES = 2000000;
  // Copies in a document of their own load nothing and run nothing.
  const inert = document.implementation.createHTMLDocument("");
  let drawn = 0;

  // What a canvas or a picture without an address shows, as a picture in the markup.
  const picture = (canvas) => {
    try {
      const data = canvas.toDataURL("image/png");
      drawn += data.length;
      return drawn <= DRAWN_BYTES && data.length > 22 ? data : null;
    } catch {
      return null;
    }
  };
  const redrawn = (image) => {
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    if (!canvas.width || !canvas.height) return null;
    canvas.getContext("2d").drawImage(image, 0, 0);
    return picture(canvas);
  };
  const rules = (sheet) => {
    try {
      return [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
    } catch {
      return "";
    }
  };
  const style = (text) => {
    const element = inert.createElement("style");
    element.textContent = text;
    return element;
  };

  const element = (node) => {
    if (LEFT_OUT.has(node.nodeName)) return null;
    if (node.nodeName === "CANVAS") {
      const data = picture(node);
      if (!data) return null;
      const image = inert.createElement("img");
      image.setAttribute("src", data);
      image.setAttribute("alt", node.getAttribute("aria-label") || "");
      for (const name of ["class", "style", "width", "height"]) {
        if (node.hasAttribute(name)) image.setAttribute(name, node.getAttribute(name));
      }
      return image;
    }
    const copy = inert.importNode(node, false);
    // Rules that a script inserted are not in the text of the element.
    if (node.nodeName === "STYLE" && !node.textContent.trim() && node.sheet) {
      copy.textContent = rules(node.sheet);
      return copy;
    }
    if (node.nodeName === "IMG" && (node.currentSrc || "").startsWith("blob:")) {
      const data = redrawn(node);
      copy.removeAttribute("srcset");
      if (data) copy.setAttribute("src", data);
    }
    if (node.nodeName === "DETAILS") copy.open = true;
    const shadow = node.shadowRoot;
    for (const sheet of shadow ? shadow.adoptedStyleSheets : []) copy.append(style(rules(sheet)));
    append(copy, shadow ? shadow.childNodes : node.childNodes);
    return copy;
  };

  const append = (parent, nodes) => {
    for (const node of nodes) {
      if (node.nodeType === Node.TEXT_NODE) {
        parent.append(node.data);
      } else if (node.nodeName === "SLOT" && node.getRootNode() instanceof ShadowRoot) {
        const assigned = node.assignedNodes();
        append(parent, assigned.length ? assigned : node.childNodes);
      } else if (node.nodeType === Node.ELEMENT_NODE) {
        const copy = element(node);
        if (copy) parent.append(copy);
      }
    }
  };

  const page = element(document.documentElement);
  const head = page.querySelector("head");
  if (head) {
    for (const sheet of document.adoptedStyleSheets) head.append(style(rules(sheet)));
    if (document.baseURI !== PAGE_ADDRESS) {
      const base = inert.createElement("base");
      base.setAttribute("href", document.baseURI);
      head.prepend(base);
    }
    const charset = inert.createElement("meta");
    charset.setAttribute("charset", "utf-8");
    head.querySelectorAll("meta[charset], meta[http-equiv=content-type i]").forEach((old) => old.remove());
    head.prepend(charset);
  }
  const doctype = document.compatMode === "BackCompat" ? "" : "<!doctype html>\n";
  return doctype + page.outerHTML + "\n";
})()
