// The keyboard's focus in a viewer, which lives in a shadow root.

export class Focus {
  constructor(viewer) {
    this.viewer = viewer;
    this.lost = false; // in the planes, until they were replaced by others
  }

  get element() {
    return this.viewer.root.getRootNode().activeElement;
  }

  isIn(part) {
    return part.contains(this.element);
  }

  // Put the focus on the plane that was used last.
  toPlane() {
    const { active, activeView, settings, shownPlanes, views } = this.viewer;
    const view = views.includes(activeView) ? activeView : views[0];
    const plane = shownPlanes.find(({ axis }) => axis === active) ?? shownPlanes[0];
    (settings.view === 'mosaic' ? view.mosaic : view.panes[plane.axis]).canvas.focus({ preventScroll: true });
  }

  // Replace the planes by others, which take the focus over when they are placed.
  whileReplacing(act) {
    this.lost ||= this.isIn(this.viewer.stage);
    act();
  }

  // Place planes anew, which takes the focus from them for a moment.
  whilePlacing(act) {
    const { element } = this;
    const held = this.isIn(this.viewer.stage);
    if (!act()) return false;
    if (held && element.isConnected) element.focus({ preventScroll: true });
    else if (held || this.lost) this.toPlane();
    this.lost = false;
    return true;
  }
}
