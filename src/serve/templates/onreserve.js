/* Adds a link to the course's own copy after every link whose original is gone, or is replaced
   by the copy because the course decided so.
   <script src="https://links.school.edu/onreserve.js" data-course="dgm" defer></script>
   It changes nothing else, sends no cookies, and does nothing if a request fails. */
(function () {
  "use strict";
  var script = document.currentScript;
  if (!script || !script.dataset.course || !window.fetch) return;
  var course = encodeURIComponent(script.dataset.course);

  function plain(href) {
    try {
      var url = new URL(href);
      url.hash = "";
      return url.href;
    } catch (error) {
      return "";
    }
  }

  function addAfter(anchor, link) {
    var copy = document.createElement("a");
    var words = link.copy ? "course copy" : "where else to look";
    copy.href = link.copy ? link.copy.page : link.go;
    copy.textContent = words;
    copy.setAttribute("aria-label", words + ": " + anchor.textContent.trim());
    copy.setAttribute("data-originalurl", link.url);
    if (link.copy) {
      copy.setAttribute("data-versionurl", link.copy.memento);
      copy.setAttribute("data-versiondate", link.copy.captured_at.slice(0, 10));
    }
    anchor.after(link.original_is_gone ? " (original gone, " : " (", copy, ")");
  }

  function show(answer) {
    var gone = new Map();
    answer.links.forEach(function (link) { gone.set(plain(link.url), link); });
    document.querySelectorAll("a[href]:not([data-originalurl])").forEach(function (anchor) {
      var link = gone.get(plain(anchor.href));
      if (link) addAfter(anchor, link);
    });
  }

  function start() {
    fetch(new URL("api/v1/courses/" + course + "/links?only=gone", script.src), { credentials: "omit" })
      .then(function (reply) { return reply.ok ? reply.json() : { links: [] }; })
      .then(show)
      .catch(function () {});
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
