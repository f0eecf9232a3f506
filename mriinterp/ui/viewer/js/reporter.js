// Reports to Python, once, when nothing has changed for a while.

let clicks = Date.now(); // numbers reports, also across reloads of the page

export class Reporter {
  // what() returns what is to be reported, or null when there is nothing to report now.
  constructor(what) {
    this.what = what;
    this.send = null;
    this.timer = null;
    this.due = false; // something is to be reported
  }

  ask(delay) {
    clearTimeout(this.timer);
    this.due = true;
    this.timer = setTimeout(() => {
      this.due = false;
      const report = this.what();
      if (report) this.send({ ...report, click: (clicks += 1) });
    }, delay);
  }

  close() {
    clearTimeout(this.timer);
  }
}
