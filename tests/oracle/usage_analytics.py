"""Usage Analytics as the original answers it."""

from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Optional

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from performance_reporting import cross_origin, require_user_and_lab
from store import Store
from user_progress import one_or_404


class EventIn(BaseModel):
    user_id: str
    lab_type: str
    event_type: str
    event_data: Optional[Dict[str, Any]] = {}


class Event(EventIn):
    id: int
    timestamp: datetime


def session_average(rows: list[dict]) -> float:
    """Each completion of a user against the start before it."""
    started: dict[str, datetime] = {}
    lengths = []
    for row in rows:
        if row["event_type"] == "start":
            started[row["user_id"]] = row["timestamp"]
        elif row["event_type"] == "complete" and row["user_id"] in started:
            lengths.append((row["timestamp"] - started.pop(row["user_id"])).total_seconds())
    return sum(lengths) / len(lengths) if lengths else 0


def create_app(store: Store) -> FastAPI:
    app = FastAPI(title="Usage Analytics Service")
    cross_origin(app)
    events = store.events

    def require(event: EventIn) -> dict:
        require_user_and_lab(store, event.user_id, event.lab_type)
        return event.model_dump()

    def window(days: int) -> list[dict]:
        since = datetime.now(timezone.utc) - timedelta(days=days)
        return [r for r in events.rows.values() if r["timestamp"] >= since]

    @app.get("/")
    def root():
        return {
            "service": "Usage Analytics Service",
            "status": "running",
            "endpoints": ["/analytics/event", "/analytics/usage/lab/{lab_type}", "/analytics/trends"],
        }

    @app.post("/analytics/event", response_model=Event)
    def create_event(event: EventIn):
        return events.insert({**require(event), "timestamp": datetime.now(timezone.utc)})

    @app.put("/analytics/event/{event_id}", response_model=Event)
    def update_event(event_id: int, event: EventIn):
        one_or_404(events, event_id, "Event not found")
        return events.update(event_id, require(event))

    @app.delete("/analytics/event/{event_id}")
    def delete_event(event_id: int):
        one_or_404(events, event_id, "Event not found")
        del events.rows[event_id]
        return {"status": "success", "message": f"Event {event_id} deleted"}

    @app.get("/analytics/usage/lab/{lab_type}")
    def usage(lab_type: str, days: int = 7):
        if not store.labs.find(lab_type=lab_type):
            raise HTTPException(404, "Lab type not found")
        rows = [r for r in window(days) if r["lab_type"] == lab_type]
        if not rows:
            raise HTTPException(404, "No usage data found for lab type")
        return {
            "lab_type": lab_type,
            "time_period_days": days,
            "unique_users": len({r["user_id"] for r in rows}),
            "total_events": len(rows),
            "event_distribution": dict(Counter(r["event_type"] for r in rows)),
            "average_session_time_seconds": session_average(rows),
        }

    @app.get("/analytics/trends")
    def trends(days: int = 30):
        rows = window(days)
        usage_of: dict[str, dict] = {}
        for lab_type in dict.fromkeys(r["lab_type"] for r in rows):
            of_lab = [r for r in rows if r["lab_type"] == lab_type]
            usage_of[lab_type] = {
                "total_events": len(of_lab),
                "unique_users": len({r["user_id"] for r in of_lab}),
                "errors": sum(r["event_type"] == "error" for r in of_lab),
            }
        return {"time_period_days": days, "total_events": len(rows), "lab_usage": usage_of}

    return app
