// Begins one episode, once, and says what came of it. EPISODE and SEED are filled in where it is served.
addEventListener('load', () => {
  const send = (news) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/episodes/EPISODE', false); // Before anything else happens on the page.
    request.setRequestHeader('content-type', 'application/json');
    request.send(JSON.stringify(news));
    return request.responseText;
  };
  // What people see beside a task: the clock, the last reward, the marks of clicks, the cover that says START.
  const beside = ['reward-display', 'click-canvas', 'sync-task-cover'];
  let kept = [], query = null;
  const hide = () => {
    core.clearTimer();
    document.body.removeEventListener('click', core.canvasDrawClick);
    kept = beside.map((id) => document.getElementById(id)).filter((one) => one);
    kept.forEach((one) => one.remove());
    const words = document.getElementById('query');
    if (words) {
      query = words.cloneNode(true);
      words.replaceChildren();
    }
  };
  const show = () => {
    const words = document.getElementById('query');
    if (words && query) words.replaceChildren(...query.childNodes);
    kept.forEach((one) => document.body.append(one));
    core.createDisplay();
  };
  if (send({ event: 'open' }) !== 'begin') {
    hide(); // It was begun before, and loading it again does not begin another one.
    return;
  }
  const end = core.endEpisode;
  core.endEpisode = (...all) => {
    const running = core.EP_TIMER !== null;
    show();
    end(...all);
    hide();
    if (running) {
      const reason = WOB_REWARD_REASON === null || WOB_REWARD_REASON === undefined ? '' : String(WOB_REWARD_REASON);
      send({ event: 'end', raw_reward: Number(WOB_RAW_REWARD_GLOBAL), reward: Number(WOB_REWARD_GLOBAL), reason });
    }
  };
  core.EPISODE_MAX_TIME = 1000000;
  Math.seedrandom(SEED);
  core.startEpisodeReal();
  const ready = () => {
    if (!WOB_TASK_READY) return setTimeout(ready, 10);
    const words = core.getUtterance();
    hide();
    send({ event: 'ready', goal: String(words && words.utterance !== undefined ? words.utterance : words) });
  };
  ready();
});
