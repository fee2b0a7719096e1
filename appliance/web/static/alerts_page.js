// Alerts on a page that follows the room for nothing else.

import { tell } from "/static/api.js";
import { RoomEvents } from "/static/room/events.js";
import { Alerts } from "/static/alerts.js";

const place = document.querySelector("[data-alerts]");
if (place) {
  const events = new RoomEvents(place.dataset.roomEvents, {
    news: (facts) => alerts.show(facts.alerts),
    beat: () => {},
    ended: (problem) => tell(problem ?? { status: 401 }),
  });
  const alerts = new Alerts(place, () => events.hurry());

  events.start(); // also while the tab is not looked at: its title tells how many are open
}
