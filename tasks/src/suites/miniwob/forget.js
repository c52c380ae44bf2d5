// Forgets what the page before has stored, before anything else on this page runs. Nothing of this is left in it.
document.currentScript.remove();
window.name = '';
localStorage.clear();
sessionStorage.clear();
for (const cookie of document.cookie.split('; ').filter(Boolean)) {
  const name = cookie.split('=')[0];
  const parts = location.pathname.split('/');
  for (let end = 1; end <= parts.length; end++) {
    for (const slash of ['', '/']) {
      document.cookie = `${name}=; max-age=0; path=${parts.slice(0, end).join('/') + slash}`;
    }
  }
}
