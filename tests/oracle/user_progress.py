"""User Progress as the original answers it: FastAPI's routing, Pydantic's models, dictionaries for tables."""

from datetime import datetime
from typing import List, Optional
from uuid import uuid4

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, EmailStr

from store import ColumnError, Store, fit_integer, naive_now


class UserIn(BaseModel):
    username: str
    full_name: Optional[str] = None
    email: EmailStr


class NewUser(UserIn):
    id: Optional[str] = None


class User(UserIn):
    id: str
    created_at: datetime
    last_active: datetime


class LabIn(BaseModel):
    name: str
    description: str
    lab_type: str
    difficulty: str


class NewLab(LabIn):
    id: Optional[str] = None


class Lab(LabIn):
    id: str
    created_at: datetime
    updated_at: datetime


class AttemptIn(BaseModel):
    user_id: str
    lab_type: str
    completion_status: bool
    time_spent: int
    errors_encountered: Optional[List[str]] = None


class Attempt(AttemptIn):
    id: int
    timestamp: datetime
    lab_name: Optional[str] = None
    lab_description: Optional[str] = None
    lab_difficulty: Optional[str] = None


class LabStats(BaseModel):
    lab_type: str
    lab_name: str
    attempts: int
    successful_attempts: int
    average_time: float
    success_rate: float


def one_or_404(table, key, detail):
    if key not in table.rows:
        raise HTTPException(404, detail)
    return table.rows[key]


def page(table, skip: int, limit: int) -> list[dict]:
    if skip < 0 or limit < 0 or max(skip, limit) >= 2**63:
        raise ColumnError("OFFSET or LIMIT out of range")
    return list(table.rows.values())[skip : skip + limit]


def user_routes(app: FastAPI, store: Store) -> None:
    users = store.users

    @app.post("/users/", response_model=User)
    def create_user(user: NewUser):
        if users.find(email=user.email):
            raise HTTPException(400, "Email already registered")
        if users.find(username=user.username):
            raise HTTPException(400, "Username already taken")
        now = naive_now()
        row = {**user.model_dump(exclude={"id"}), "created_at": now, "last_active": now}
        return users.insert(row, user.id or str(uuid4()))

    @app.get("/users/", response_model=List[User])
    def list_users(skip: int = 0, limit: int = 100):
        return page(users, skip, limit)

    @app.get("/users/{user_id}", response_model=User)
    def get_user(user_id: str):
        return one_or_404(users, user_id, "User not found")

    @app.put("/users/{user_id}", response_model=User)
    def update_user(user_id: str, user: UserIn):
        one_or_404(users, user_id, "User not found")
        return users.update(user_id, {**user.model_dump(exclude_unset=True), "last_active": naive_now()})

    @app.delete("/users/{user_id}")
    def delete_user(user_id: str):
        one_or_404(users, user_id, "User not found")
        del users.rows[user_id]
        return {"status": "success", "message": f"User {user_id} deleted"}


def lab_routes(app: FastAPI, store: Store) -> None:
    labs = store.labs

    @app.post("/labs/", response_model=Lab)
    def create_lab(lab: NewLab):
        if labs.find(name=lab.name):
            raise HTTPException(400, "Lab name already exists")
        now = naive_now()
        row = {**lab.model_dump(exclude={"id"}), "created_at": now, "updated_at": now}
        return labs.insert(row, lab.id or str(uuid4()))

    @app.get("/labs/", response_model=List[Lab])
    def list_labs(skip: int = 0, limit: int = 100):
        return page(labs, skip, limit)

    @app.get("/labs/{lab_id}", response_model=Lab)
    def get_lab(lab_id: str):
        return one_or_404(labs, lab_id, "Lab not found")

    @app.get("/labs/type/{lab_type}", response_model=List[Lab])
    def list_labs_of_type(lab_type: str):
        return labs.find(lab_type=lab_type)

    @app.put("/labs/{lab_id}", response_model=Lab)
    def update_lab(lab_id: str, lab: LabIn):
        one_or_404(labs, lab_id, "Lab not found")
        return labs.update(lab_id, {**lab.model_dump(exclude_unset=True), "updated_at": naive_now()})

    @app.delete("/labs/{lab_id}")
    def delete_lab(lab_id: str):
        one_or_404(labs, lab_id, "Lab not found")
        del labs.rows[lab_id]
        return {"status": "success", "message": f"Lab {lab_id} deleted"}


def progress_routes(app: FastAPI, store: Store, lab_fields: bool) -> None:
    attempts = store.attempts

    def lab_of(lab_type: str) -> dict:
        found = store.labs.find(lab_type=lab_type)
        if not found:
            return {
                "lab_name": lab_type,
                "lab_description": "No description available",
                "lab_difficulty": "unknown",
            }
        return {f"lab_{column}": found[0][column] for column in ("name", "description", "difficulty")}

    def written(row: dict) -> dict:
        return {**row, **lab_of(row["lab_type"])} if lab_fields else row

    def require(attempt: AttemptIn) -> dict:
        one_or_404(store.users, attempt.user_id, "User not found")
        if not store.labs.find(lab_type=attempt.lab_type):
            raise HTTPException(404, f"No labs found for type: {attempt.lab_type}")
        fit_integer(attempt.time_spent)
        return attempt.model_dump()

    @app.post("/progress/lab-attempt", response_model=Attempt)
    def create_attempt(attempt: AttemptIn):
        return written(attempts.insert({**require(attempt), "timestamp": naive_now()}))

    @app.get("/progress/{user_id}", response_model=List[Attempt])
    def list_attempts(user_id: str):
        one_or_404(store.users, user_id, "User not found")
        return [{**row, **lab_of(row["lab_type"])} for row in attempts.find(user_id=user_id)]

    @app.get("/progress/stats/{user_id}")
    def stats(user_id: str):
        user = one_or_404(store.users, user_id, "User not found")
        mine = attempts.find(user_id=user_id)
        by_type: dict[str, list[dict]] = {}
        for row in mine:
            by_type.setdefault(row["lab_type"], []).append(row)
        done = [r for r in mine if r["completion_status"]]
        return {
            "user_id": user_id,
            "username": user["username"],
            "total_attempts": len(mine),
            "successful_attempts": len(done),
            "success_rate": len(done) / len(mine) if mine else 0,
            "average_time_per_attempt": sum(r["time_spent"] for r in mine) / len(mine) if mine else 0,
            "labs_attempted": [lab_stats(lab_type, rows) for lab_type, rows in by_type.items()],
        }

    def lab_stats(lab_type: str, rows: list[dict]) -> LabStats:
        done = sum(r["completion_status"] for r in rows)
        return LabStats(
            lab_type=lab_type,
            lab_name=lab_of(lab_type)["lab_name"],
            attempts=len(rows),
            successful_attempts=done,
            average_time=sum(r["time_spent"] for r in rows) / len(rows),
            success_rate=done / len(rows),
        )

    @app.put("/progress/lab-attempt/{attempt_id}", response_model=Attempt)
    def update_attempt(attempt_id: int, attempt: AttemptIn):
        one_or_404(attempts, attempt_id, "Lab attempt not found")
        return written(attempts.update(attempt_id, require(attempt)))

    @app.delete("/progress/lab-attempt/{attempt_id}")
    def delete_attempt(attempt_id: int):
        one_or_404(attempts, attempt_id, "Lab attempt not found")
        del attempts.rows[attempt_id]
        return {"status": "success", "message": f"Lab attempt {attempt_id} deleted"}


def create_app(store: Store, lab_fields: bool = False) -> FastAPI:
    """`lab_fields`: answers to a write carry the lab, as the document shows and the original does not."""
    app = FastAPI(title="User Progress Tracking Service")

    @app.get("/")
    def root():
        return {
            "service": "User Progress Tracking Service",
            "status": "running",
            "endpoints": ["/users/", "/labs/", "/progress/"],
        }

    user_routes(app, store)
    lab_routes(app, store)
    progress_routes(app, store, lab_fields)
    return app
