"""Two-factor authentication of people: oathtool is the phone, and what is on the screen is read by a decoder of QR codes."""
import json
import subprocess
import time
import urllib.parse

import pytest

from tests.support.runs import ask
from tests.support.world import STEP, oathtool
from tests.web.browser import ROOT, Browser
from tests.web.conftest import PASSWORD, accessible, check_innocent, set_password, sign_in
from tests.web.test_keyboard import tab_to

PAGE = "/app/settings/two-factor"
FIELD = "label:Code of your authenticator app"
# The code as the browser draws it, from its own place on the page.
DRAWN = """(async () => {
  const svg = document.querySelector('svg.qr').cloneNode(true);
  const size = 480;
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('width', size);
  svg.setAttribute('height', size);
  const picture = new Image();
  picture.src = 'data:image/svg+xml,' + encodeURIComponent(svg.outerHTML);
  await picture.decode();
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, size, size);
  let dark = '';
  for (let at = 0; at < data.length; at += 4) dark += data[at] < 128 && data[at + 3] > 128 ? '1' : '0';
  return { size, dark };
})()"""


class Phone:
    """An authenticator app that scanned the code."""

    def __init__(self, browser):
        drawn = browser.evaluate(DRAWN)
        self.uri = subprocess.run(["node", ROOT / "tests/web/qr.mjs"], input=json.dumps(drawn), capture_output=True, text=True, check=True).stdout
        self.seed = urllib.parse.parse_qs(urllib.parse.urlparse(self.uri).query)["secret"][0]
        self.step = int(time.time()) // STEP

    def code(self, later=0):
        """Of the step in which it was scanned, or a later one: good once each, the next one already now."""
        return oathtool(self.seed, (self.step + later) * STEP)

    def wrong(self):
        shown = {self.code(later) for later in range(-3, 20)}
        return next(code for code in (f"{number:06}" for number in range(100)) if code not in shown)


@pytest.fixture
def person(server, request):
    """Somebody new, who has a password."""
    name = f"person-{request.node.name.removeprefix('test_')[:24].strip('_')}"
    server.command("user", "create", server.folder, name, "--email", f"{name}@example.com")
    set_password(server, name, PASSWORD)
    return name


@pytest.fixture
def screen(server, person):
    with Browser(server.url, permissions=["clipboard-read", "clipboard-write"]) as opened:
        yield opened
        check_innocent(opened)


def copied(browser, button):
    browser.click(f"role:button/{button}")
    browser.see("Copied.")
    return browser.evaluate("navigator.clipboard.readText()")


def begin(browser):
    browser.goto(PAGE)
    browser.see("It is off.")
    browser.click("role:button/Set up an authenticator app")
    browser.see("css:svg.qr")
    return Phone(browser)


def enrol(browser):
    phone = begin(browser)
    browser.fill("label:Code of the app", phone.code())
    browser.fill("label:Your password", PASSWORD)
    browser.click("role:button/Turn on")
    browser.see("It is on")
    return phone, browser.text("css:.recovery-codes").split()


def password_step(browser, person):
    browser.fill("label:User name", person)
    browser.fill("label:Password", PASSWORD)
    browser.press("Enter")
    browser.see(FIELD)


def sign_out(browser):
    browser.click("role:button/Sign out")
    browser.see("role:heading/Sign in")


def give(browser, code, field=FIELD):
    browser.fill(field, code)
    browser.press("Enter")


def test_from_setting_up_to_turning_off(server, person, screen):
    screen.goto("/login")
    sign_in(screen, person, PASSWORD)
    screen.goto(PAGE)
    screen.see("role:button/Set up an authenticator app")
    accessible(screen, "off")

    phone = begin(screen)
    host = server.url.removeprefix("https://")
    assert phone.uri == (f"otpauth://totp/tollgate:{person}%40{urllib.parse.quote(host, safe='')}?secret={phone.seed}&issuer=tollgate"
                         "&algorithm=SHA1&digits=6&period=30")
    assert len(phone.seed) == 32
    # The same for who sees no picture.
    shown = screen.text("css:#secret")
    assert shown.replace(" ", "") == phone.seed and {len(group) for group in shown.split()} == {4}
    assert screen.tell("attribute", target={"css": "svg.qr"}, name="role") == "img"
    assert "as text" in screen.tell("attribute", target={"css": "svg.qr"}, name="aria-label")
    assert copied(screen, "Copy the secret") == phone.seed
    accessible(screen, "setting up")

    screen.fill("label:Code of the app", phone.wrong())
    screen.fill("label:Your password", PASSWORD)
    screen.click("role:button/Turn on")
    screen.see("role:alert")
    assert "the code is wrong, or was used already" in screen.text("role:alert")
    accessible(screen, "a wrong first code")
    screen.fill("label:Code of the app", f" {phone.code()[:3]} {phone.code()[3:]}")
    screen.click("role:button/Turn on")
    screen.see("It is on")
    codes = screen.text("css:.recovery-codes").split()
    assert len(set(codes)) == 10 and {len(code) for code in codes} == {19}
    assert "10 of 10 are left" in screen.text("css:main")
    accessible(screen, "recovery codes")
    assert copied(screen, "Copy the codes").split() == codes
    screen.click("role:button/Download")
    screen.tell("reload")
    screen.see("It is on")
    assert screen.count("css:.recovery-codes") == 0 and screen.count("css:svg.qr") == 0, "shown once"
    accessible(screen, "on")

    sign_out(screen)
    password_step(screen, person)
    for name, value in {"autocomplete": "one-time-code", "inputmode": "numeric", "type": "text"}.items():
        assert screen.tell("attribute", target={"label": FIELD[6:], "exact": True}, name=name) == value
    assert screen.evaluate("document.activeElement.autocomplete") == "one-time-code"
    accessible(screen, "the second step")
    give(screen, "12 34")
    screen.see("A code has six digits.")
    give(screen, phone.wrong())
    screen.see("the code is wrong, or was used already")
    assert screen.text("role:alert").startswith("the code is wrong")
    said = "(() => { const one = document.activeElement; return [one.autocomplete, one.ariaInvalid, one.getAttribute('aria-describedby').split(' ').map((id) => document.getElementById(id).textContent).join(' ')]; })()"
    field, invalid, described = screen.evaluate(said)
    assert (field, invalid) == ("one-time-code", "true") and "the code is wrong" in described
    accessible(screen, "a wrong code")
    give(screen, phone.code())
    screen.gone("role:alert")
    screen.see("the code is wrong, or was used already")  # the one that turned it on
    give(screen, f"{phone.code(1)[:3]}-{phone.code(1)[3:]}")
    screen.see("role:button/Sign out")

    sign_out(screen)
    password_step(screen, person)
    give(screen, phone.code(1))
    screen.see("the code is wrong, or was used already")
    screen.click("role:button/Use a recovery code instead")
    screen.see("label:Recovery code")
    assert screen.count("role:alert") == 0
    accessible(screen, "a recovery code")
    give(screen, codes[0].upper().replace("-", " "), "label:Recovery code")
    screen.see("role:button/Sign out")
    sign_out(screen)
    password_step(screen, person)
    screen.click("role:button/Use a recovery code instead")
    give(screen, codes[0], "label:Recovery code")
    screen.see("the code is wrong, or was used already")
    give(screen, codes[1], "label:Recovery code")
    screen.see("role:button/Sign out")

    screen.goto(PAGE)
    screen.see("8 of 10 are left")
    screen.click("role:button/Make new recovery codes")
    screen.see("css:dialog[open]")
    accessible(screen, "asking for new codes")
    screen.fill("label:Password", PASSWORD)
    screen.fill("label:Code of the app, or a recovery code", codes[2])
    screen.click("role:button/Make them")
    screen.see("10 of 10 are left")
    renewed = screen.text("css:.recovery-codes").split()
    assert not set(renewed) & set(codes)
    screen.click("role:button/Turn off")
    screen.see("css:dialog[open]")
    screen.fill("label:Password", PASSWORD)
    screen.fill("label:Code of the app, or a recovery code", codes[3])
    screen.click("role:button/Turn it off")
    screen.see("css:dialog [role=alert]")
    accessible(screen, "refused")
    screen.fill("label:Code of the app, or a recovery code", renewed[0])
    screen.click("role:button/Turn it off")
    screen.see("It is off.")
    sign_out(screen)
    sign_in(screen, person, PASSWORD)


def test_other_browsers_are_signed_out(server, person, screen):
    screen.goto("/login")
    sign_in(screen, person, PASSWORD)
    with Browser(server.url) as other:
        other.goto("/login")
        sign_in(other, person, PASSWORD)
        enrol(screen)
        other.tell("reload")
        other.see("role:heading/Sign in")
        check_innocent(other)
    screen.tell("reload")
    screen.see("It is on")


def test_by_keyboard_alone(person, screen):
    screen.goto("/login")
    sign_in(screen, person, PASSWORD)
    screen.goto(PAGE)
    screen.see("It is off.")
    tab_to(screen, "Set up an authenticator app")
    screen.press("Enter")
    screen.see("css:svg.qr")
    assert screen.evaluate("document.activeElement.ariaLabel") == "Setting up an authenticator app"
    phone = Phone(screen)
    tab_to(screen, "Copy the secret")
    tab_to(screen, "Code of the app")
    screen.tell("type", text=phone.code())
    tab_to(screen, "Your password")
    screen.tell("type", text=PASSWORD)
    screen.press("Enter")
    screen.see("It is on")
    code = screen.text("css:.recovery-codes").split()[0]
    assert screen.evaluate("document.activeElement.ariaLabel") == "New recovery codes"
    tab_to(screen, "Download")
    screen.tell("reload")
    screen.see("It is on")
    tab_to(screen, "Sign out")
    screen.press("Enter")
    screen.see("role:heading/Sign in")
    tab_to(screen, "User name")
    screen.tell("type", text=person)
    tab_to(screen, "Password")
    screen.tell("type", text=PASSWORD)
    screen.press("Enter")
    screen.see(FIELD)
    # The field has the focus already.
    screen.tell("type", text=phone.code(1))
    screen.press("Enter")
    screen.see("role:button/Sign out")
    screen.goto(PAGE)
    screen.see("It is on")
    tab_to(screen, "Turn off")
    screen.press("Enter")
    tab_to(screen, "Password")
    screen.tell("type", text=PASSWORD)
    tab_to(screen, "Code of the app, or a recovery code")
    screen.tell("type", text=code)
    screen.press("Enter")
    screen.see("It is off.")


def test_no_wider_than_a_phone(person, screen):
    screen.goto("/login")
    sign_in(screen, person, PASSWORD)
    screen.tell("viewport", width=360, height=740)
    wide = "document.documentElement.scrollWidth"
    phone = begin(screen)
    assert screen.evaluate(wide) <= 360
    screen.fill("label:Code of the app", phone.code())
    screen.fill("label:Your password", PASSWORD)
    screen.click("role:button/Turn on")
    screen.see("css:.recovery-codes")
    assert screen.evaluate(wide) <= 360
    sign_out(screen)
    password_step(screen, person)
    assert screen.evaluate(wide) <= 360


def test_on_the_way_of_terraform_login(server, person, screen):
    """The forms that the server draws itself."""
    screen.goto("/login")
    sign_in(screen, person, PASSWORD)
    phone, _ = enrol(screen)
    sign_out(screen)
    query = {"client_id": "terraform-cli", "response_type": "code", "redirect_uri": "http://localhost:10003/login", "state": "x",
             "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256"}
    screen.goto("/oauth/authorize?" + urllib.parse.urlencode(query))
    screen.fill("label:User name or e-mail address", person)
    screen.fill("label:Password", PASSWORD)
    screen.press("Enter")
    field = "label:Code of your authenticator app, or a recovery code"
    screen.see(field)
    accessible(screen, "terraform login")
    give(screen, phone.wrong(), field)
    screen.see("role:alert")
    accessible(screen, "terraform login, a wrong code")
    give(screen, phone.code(1), field)
    screen.see("role:button/Give it a token")


def test_a_lost_phone_and_the_server_s_host(server, person, screen):
    screen.goto("/login")
    sign_in(screen, person, PASSWORD)
    enrol(screen)
    said = server.command("user", "remove-two-factor", server.folder, person)
    assert f"{person} signs in with the password alone" in said
    assert "nothing was changed" in server.command("user", "remove-two-factor", server.folder, person)
    screen.tell("reload")
    screen.see("role:heading/Sign in")
    sign_in(screen, person, PASSWORD)
    screen.goto(PAGE)
    screen.see("It is off.")
    events = [event["attributes"]["event"] for event in ask(server, "GET", "/api/v2/admin/audit-events?page[size]=100")["data"]]
    assert events.count("two_factor.removed") == 1 and "two_factor.enabled" in events
