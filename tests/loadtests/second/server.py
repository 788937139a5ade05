"""A second deployment of the flow, as unlike the reference service as one can be: pages instead of an interface.

Flask, forms rendered on the server in Chinese, a session cookie, a token in each form that is good once, a redirect
after each post, errors told in pages with status 200, papers as multipart, HTTP/1.0, connections closed after each
answer. Applications are decided in batches, every `--batch` seconds or at `POST /_batch`: of those that are new to a
batch every fifth is sent back with reasons and every ninth is rejected. A session ends `--session` seconds after
log-in. It keeps everything in memory; `GET /_books` tells what it holds, `POST /_new` makes it forget that.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import logging
import re
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, abort, current_app, g, jsonify, redirect, request
from jinja2 import Environment
from markupsafe import Markup
from werkzeug.serving import make_server

PAPERS = {"sfz1": "身份证人像面", "sfz2": "身份证国徽面", "zp": "近照", "hkb": "户口簿"}
WAYS = ("网上银行", "支付宝", "微信支付")
KINDS = ("新生儿", "学龄前", "学生", "其他")
FORM = ("xingming", "zhengjian", "shengri", "xingbie", "jianhuren", "jhr_zhengjian", "dizhi", "leibie")

_TEMPLATES = Environment(autoescape=True)
PAGE = _TEMPLATES.from_string("""<!doctype html><html lang=zh><title>阳光县居民参保</title>
<nav>{% if user %}<a href=/wode>我的</a>{% else %}<a href=/denglu>登录</a>{% endif %}</nav>
{% for line in mistakes %}<p class=cuowu>{{ line }}</p>{% endfor %}
{% if form %}<form method=post{% if file %} enctype=multipart/form-data{% endif %}>
<input type=hidden name=_lingpai value="{{ token }}">
{% for name in form %}<label>{{ name }} <input name={{ name }}></label>{% endfor %}
<button>提交</button></form>{% endif %}{{ more }}</html>""")

APPLICATION = _TEMPLATES.from_string("""<h1>受理编号 <b id=bianhao>{{ a.number }}</b></h1>
<p>状态：<span id=zhuangtai>{{ a.status }}</span> <time id=shijian>{{ a.decided }}</time></p>
<ul>{% for reason in a.reasons %}<li class=yuanyin>{{ reason }}</li>{% endfor %}</ul>
<p>已交材料 {{ a.papers|length }} 份，缴费{{ '成功' if a.paid else '未完成' }}</p>""")


@dataclass
class Application:
    """An application; its status is 待提交, 审核中, 退回补正, 已通过 or 未通过."""

    number: str
    user: str
    form: dict[str, str]
    status: str = "待提交"
    decided: str = ""
    reasons: list[str] = field(default_factory=list)
    papers: dict[str, int] = field(default_factory=dict)
    way: str = ""
    orders: list[str] = field(default_factory=list)
    paid: int = 0
    handed_in: int = 0
    rounds: int = 0


@dataclass
class Books:
    """All that the office knows."""

    session_s: float
    declined_every: int
    users: dict[str, dict[str, str]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)
    debits: int = 0
    decided: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def forget(self, session_s: float, declined_every: int) -> None:
        """Begin anew, with other rules."""
        for known in (self.users, self.sessions, self.applications, self.children):
            known.clear()
        self.session_s, self.declined_every, self.debits, self.decided = session_s, declined_every, 0, 0

    def batch(self) -> int:
        """Decide all that were handed in."""
        with self.lock:
            waiting = [one for one in self.applications.values() if one.status == "审核中"]
            for one in waiting:
                self._decide(one)
            return len(waiting)

    def _decide(self, one: Application) -> None:
        if not one.rounds:
            self.decided += 1
        one.rounds += 1
        one.decided = dt.datetime.now().strftime("%Y年%m月%d日 %H:%M:%S")
        if one.rounds == 1 and self.decided % 5 == 0:
            one.status, one.reasons = "退回补正", ["户口簿不清晰", "监护人证件号有误"]
        elif one.rounds == 1 and self.decided % 9 == 0:
            one.status, one.reasons = "未通过", ["已参加职工医保"]
        else:
            one.status, one.reasons = "已通过", []


def make_app(books: Books) -> Flask:
    """Give the application."""
    app = Flask(__name__)
    add_gate(app, books)
    add_accounts(app, books)
    add_forms(app, books)
    add_payment(app, books)
    add_results(app, books)
    return app


# --- sessions, tokens of forms, pages ---


def add_gate(app: Flask, books: Books) -> None:
    """Let nobody in without a session, and take no form without its token."""

    @app.before_request
    def gate() -> Any:
        session = books.sessions.get(request.cookies.get("YGSID", ""))
        if session is not None and "user" in session and time.monotonic() > session["until"]:
            session = None
        g.session = session
        g.user = session.get("user") if session else None
        is_open = request.path in {"/zhuce", "/denglu"} or request.path.startswith("/_")
        if not is_open and g.user is None:
            return redirect("/denglu?yuanyin=chaoshi")
        if request.method == "POST" and not request.path.startswith("/_"):
            expected = session.pop("token", None) if session else None
            if expected is None or request.form.get("_lingpai") != expected:
                return page(mistakes=["页面已失效，请刷新"]), 403
        return None


def page(*fields: str, mistakes: list[str] | None = None, more: str = "", file: bool = False) -> Response:
    """Give a page; with a form, if it has fields."""
    token = secrets.token_urlsafe(12)
    answer = Response(status=200, mimetype="text/html")
    if fields:
        if g.session is None:
            sid = secrets.token_hex(16)
            g.session = app_books().sessions[sid] = {"until": float("inf")}
            answer.set_cookie("YGSID", sid, httponly=True, samesite="Lax")
        g.session["token"] = token
    text = PAGE.render(user=g.user, mistakes=mistakes or [], form=fields, file=file, token=token, more=Markup(more))
    answer.set_data(text)
    return answer


def app_books() -> Books:
    """Give the books of the application that is at work."""
    found: Books = current_app.config["books"]
    return found


def add_accounts(app: Flask, books: Books) -> None:
    """Open accounts, log in."""

    @app.route("/zhuce", methods=["GET", "POST"])
    def open_account() -> Any:
        fields = ("zhanghao", "mima", "mima2", "shouji")
        if request.method == "GET":
            return page(*fields)
        given = request.form
        with books.lock:
            if given["zhanghao"] in books.users:
                return page(*fields, mistakes=["账号已存在"])
            if given["mima"] != given["mima2"] or not re.fullmatch(r"1\d{10}", given["shouji"]):
                return page(*fields, mistakes=["密码不一致或手机号有误"])
            books.users[given["zhanghao"]] = {"password": given["mima"]}
        return redirect("/denglu?xin=1", 303)

    @app.route("/denglu", methods=["GET", "POST"])
    def log_in() -> Any:
        if request.method == "GET":
            return page("zhanghao", "mima")
        user = request.form["zhanghao"]
        if books.users.get(user, {}).get("password") != request.form["mima"]:
            return page("zhanghao", "mima", mistakes=["账号或密码错误"])
        books.sessions.pop(request.cookies.get("YGSID", ""), None)
        sid = secrets.token_hex(16)
        books.sessions[sid] = {"user": user, "until": time.monotonic() + books.session_s}
        answer = redirect("/wode")
        answer.set_cookie("YGSID", sid, httponly=True, samesite="Lax")
        return answer

    @app.get("/wode")
    def mine() -> Any:
        numbers = [one.number for one in books.applications.values() if one.user == g.user]
        return page(more="".join(f"<a class=jian href=/canbao/{n}>{n}</a>" for n in numbers))


# --- the form, papers, handing in ---


def own(books: Books, number: str) -> Application:
    """Give an application of whoever asks; 404 for those of others."""
    found = books.applications.get(number)
    if found is None or found.user != g.user:
        abort(404)
    return found


def show(one: Application, *fields: str, mistakes: list[str] | None = None, file: bool = False) -> Response:
    """Give the page of an application."""
    return page(*fields, mistakes=mistakes, file=file, more=APPLICATION.render(a=one))


def faults_of(form: dict[str, str]) -> list[str]:
    """Say what is wrong in a form."""
    faults = [f"{name} 不能为空" for name in FORM if not form.get(name)]
    if not re.fullmatch(r"\d{4}年\d{2}月\d{2}日", form.get("shengri", "")):
        faults.append("出生日期格式有误")
    if form.get("xingbie") not in {"男", "女"} or form.get("leibie") not in KINDS:
        faults.append("性别或类别有误")
    return faults


def add_forms(app: Flask, books: Books) -> None:
    """Take forms and papers, and hand them in."""
    serial = itertools.count(1)

    @app.route("/canbao/xin", methods=["GET", "POST"])
    def enrol() -> Any:
        if request.method == "GET":
            return page(*FORM)
        form = {name: request.form.get(name, "") for name in FORM}
        faults = faults_of(form)
        if faults:
            return page(*FORM, mistakes=faults)
        with books.lock:
            number = books.children.get(form["zhengjian"]) or f"YG-{next(serial):06d}"
            if number in books.applications and books.applications[number].user != g.user:
                return page(*FORM, mistakes=["该儿童已由他人登记"])
            books.children[form["zhengjian"]] = number
            books.applications.setdefault(number, Application(number, g.user, form))
        return redirect(f"/canbao/{number}")

    @app.route("/canbao/<number>/buzheng", methods=["GET", "POST"])
    def correct(number: str) -> Any:
        one = own(books, number)
        if request.method == "GET":
            return show(one, *FORM)
        faults = faults_of(request.form.to_dict())
        if faults or one.status not in {"待提交", "退回补正"}:
            return show(one, *FORM, mistakes=faults or ["当前状态不能补正"])
        one.form = {name: request.form[name] for name in FORM}
        return redirect(f"/canbao/{number}")

    @app.route("/canbao/<number>/cailiao", methods=["GET", "POST"])
    def papers(number: str) -> Any:
        one = own(books, number)
        fields = ("zhonglei", "wenjian")
        if request.method == "GET":
            return show(one, *fields, file=True)
        kind, paper = request.form.get("zhonglei", ""), request.files.get("wenjian")
        content = paper.read() if paper is not None else b""
        if kind not in PAPERS or not content.startswith((b"\x89PNG", b"\xff\xd8")):
            return show(one, *fields, mistakes=["材料种类或格式有误"], file=True)
        one.papers[kind] = len(content)
        return redirect(f"/canbao/{number}/cailiao")

    @app.route("/canbao/<number>/tijiao", methods=["GET", "POST"])
    def hand_in(number: str) -> Any:
        one = own(books, number)
        if request.method == "GET":
            return show(one, "queren")
        missing = [PAPERS[name] for name in PAPERS if name not in one.papers] + ([] if one.paid else ["未缴费"])
        with books.lock:
            if missing or one.status not in {"待提交", "退回补正"}:
                return show(one, "queren", mistakes=missing or ["不能重复提交"])
            one.status, one.decided, one.reasons = "审核中", "", []
            one.handed_in += 1
        return redirect(f"/canbao/{number}/jindu")


def add_payment(app: Flask, books: Books) -> None:
    """Take money: the order is made with the choice, and paid once."""

    @app.route("/canbao/<number>/jiaofei", methods=["GET", "POST"])
    def choose(number: str) -> Any:
        one = own(books, number)
        if request.method == "GET":
            return show(one, "fangshi")
        if request.form.get("fangshi") not in WAYS:
            return show(one, "fangshi", mistakes=["缴费方式有误"])
        one.way = request.form["fangshi"]
        one.orders.append(f"D{secrets.token_hex(4)}")
        return redirect(f"/canbao/{number}/jiaofei/{one.orders[-1]}")

    @app.route("/canbao/<number>/jiaofei/<order>", methods=["GET", "POST"])
    def pay(number: str, order: str) -> Any:
        one = own(books, number)
        if order not in one.orders:
            abort(404)
        if request.method == "GET":
            return show(one, "queren")
        with books.lock:
            books.debits += 1
            if not one.paid and books.declined_every and books.debits % books.declined_every == 0:
                return show(one, "queren", mistakes=["扣款失败：余额不足"])
            one.paid = 1
        return redirect(f"/canbao/{number}")


def add_results(app: Flask, books: Books) -> None:
    """Say how applications stand."""

    @app.get("/canbao/<number>")
    @app.get("/canbao/<number>/jindu")
    def progress(number: str) -> Any:
        return show(own(books, number))

    @app.get("/canbao/<number>/pingzheng")
    def credential(number: str) -> Any:
        one = own(books, number)
        if one.status != "已通过":
            return show(one, mistakes=["尚未办结"]), 409
        return Response(b"%PDF-1.4\n% sample of " + one.number.encode() + b"\n%%EOF\n", mimetype="application/pdf")

    @app.post("/_batch")
    def batch() -> Any:
        return jsonify(books.batch())

    @app.post("/_new")
    def new() -> Any:
        books.forget(**request.get_json(force=True))
        return jsonify(None)

    @app.get("/_books")
    def told() -> Any:
        known = ("number", "user", "status", "papers", "paid", "handed_in", "rounds", "way")
        return jsonify([{name: getattr(one, name) for name in known} for one in books.applications.values()])


def main() -> None:
    """Listen on a free port of loopback, print it, and serve until standard input ends."""
    options = argparse.ArgumentParser()
    options.add_argument("--batch", type=float, default=0.0, help="seconds between batches; 0: at POST /_batch only")
    options.add_argument("--session", type=float, default=3600.0, help="seconds for which a session lasts")
    options.add_argument("--declined", type=int, default=0, help="every how many debits one fails; 0: none")
    told = options.parse_args()
    books = Books(told.session, told.declined)
    app = make_app(books)
    app.config["books"] = books
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if told.batch:
        threading.Thread(target=decide_now_and_then, args=(books, told.batch), daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


def decide_now_and_then(books: Books, seconds: float) -> None:
    """Decide a batch every so many seconds."""
    while True:
        time.sleep(seconds)
        books.batch()


if __name__ == "__main__":
    main()
