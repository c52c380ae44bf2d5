// Forgets what the tab keeps of the page before, which the browser does not empty, before anything else on this page runs. Nothing of
// this is left in it.
document.currentScript.remove();
window.name = '';
sessionStorage.clear();
