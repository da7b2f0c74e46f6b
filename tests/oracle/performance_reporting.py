"""Performance Reporting as the original answers it."""

from collections import Counter
from datetime import datetime, timezone
from typing import Dict, List, Optional

from fastapi import FastAPI, HTTPException
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel

from store import Store, fit_integer
from user_progress import one_or_404


class RecordIn(BaseModel):
    user_id: str
    lab_type: str
    completion_time: int
    success: bool
    errors: Optional[List[str]] = []
    resources_used: Optional[Dict[str, int]] = {}


class Record(RecordIn):
    id: int
    timestamp: datetime


class Statistics(BaseModel):
    lab_type: str
    total_users: int
    avg_completion_time: float
    success_rate: float
    common_errors: List[str]
    id: int
    last_updated: datetime


def cross_origin(app: FastAPI) -> None:
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
    )


def require_user_and_lab(store: Store, user_id: str, lab_type: str) -> None:
    one_or_404(store.users, user_id, "User not found")
    if not store.labs.find(lab_type=lab_type):
        raise HTTPException(404, "Lab type not found")


def summary(rows: list[dict]) -> dict:
    return {
        "success_rate": sum(r["success"] for r in rows) / len(rows),
        "avg_completion_time": sum(r["completion_time"] for r in rows) / len(rows),
    }


def create_app(store: Store) -> FastAPI:
    app = FastAPI(title="Performance Reporting Service")
    cross_origin(app)
    records = store.records

    def require(record: RecordIn) -> dict:
        require_user_and_lab(store, record.user_id, record.lab_type)
        fit_integer(record.completion_time)
        return record.model_dump()

    @app.get("/")
    def root():
        return {
            "service": "Performance Reporting Service",
            "status": "running",
            "endpoints": [
                "/performance/record",
                "/performance/lab/{lab_type}",
                "/performance/user/{user_id}",
            ],
        }

    @app.post("/performance/record", response_model=Record)
    def create_record(record: RecordIn):
        return records.insert({**require(record), "timestamp": datetime.now(timezone.utc)})

    @app.put("/performance/record/{performance_id}", response_model=Record)
    def update_record(performance_id: int, record: RecordIn):
        one_or_404(records, performance_id, "Performance record not found")
        return records.update(performance_id, require(record))

    @app.delete("/performance/record/{performance_id}")
    def delete_record(performance_id: int):
        one_or_404(records, performance_id, "Performance record not found")
        del records.rows[performance_id]
        return {"status": "success", "message": f"Performance record {performance_id} deleted"}

    @app.get("/performance/lab/{lab_type}", response_model=Statistics)
    def lab_report(lab_type: str):
        if not store.labs.find(lab_type=lab_type):
            raise HTTPException(404, "Lab type not found")
        rows = records.find(lab_type=lab_type)
        if not rows:
            raise HTTPException(404, "No records found for lab type")
        errors = Counter(e for r in rows for e in r["errors"] or [])
        row = {
            "lab_type": lab_type,
            "total_users": len({r["user_id"] for r in rows}),
            **summary(rows),
            "common_errors": [e for e, _ in errors.most_common(5)],
            "last_updated": datetime.now(timezone.utc),
        }
        return store.statistics.insert(row)

    @app.get("/performance/user/{user_id}")
    def user_report(user_id: str):
        one_or_404(store.users, user_id, "User not found")
        mine = records.find(user_id=user_id)
        if not mine:
            return {"user_id": user_id, "records": []}
        by_lab: dict[str, dict] = {}
        for lab_type in dict.fromkeys(r["lab_type"] for r in mine):
            rows = [r for r in mine if r["lab_type"] == lab_type]
            by_lab[lab_type] = {
                "lab_type": lab_type,
                "attempts": len(rows),
                **summary(rows),
                "total_time_spent": sum(r["completion_time"] for r in rows),
                "last_attempt": max(r["timestamp"] for r in rows).isoformat(),
            }
        return {"user_id": user_id, "performance_by_lab": by_lab}

    return app
