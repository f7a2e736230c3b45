"""Build both images of deploy/Dockerfile, start them, ask them: ``make images``.

With Docker or Podman where it can start containers (on Linux). Else, as root of a Debian or Ubuntu,
with buildah, which needs no engine: the base is made by debootstrap, so no registry is asked.

A small simulated bank is run and promoted; its models are pushed to an S3 endpoint of this machine,
pulled by the pipeline image, and served by the service image. Images stay; all else is removed.
"""

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow.parquet as pq

from src.errors import InputError, run
from src.products import paths, promoted

ROOT = Path(__file__).parent.parent
RECIPE = "deploy/Dockerfile"
BASE = "nextbest-base"
STORE = Path("/var/lib/nextbest-images")  # of buildah
TOOLS = ("buildah", "debootstrap")
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
CUSTOMERS = 1100
LONGEST = 180  # seconds; only a server that never comes up takes as long
HARDENED = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")  # noqa: S108 as in compose
NO_GAIN = ("--security-opt", "no-new-privileges")


@dataclass(frozen=True)
class Engine:
    """What builds images and starts them.

    Attributes
    ----------
    name : str
        docker, podman or buildah.
    building : tuple of str
        What its build command is given on this machine.
    """

    name: str
    building: tuple[str, ...] = ()

    def build(self, target: str, context: Path, revision: str) -> None:
        """Build the image ``nextbest-TARGET`` from a checkout; buildah forgets the one before."""
        before = image_ids(f"nextbest-{target}") if self.name == "buildah" else set()
        call(
            *(self.name, "build", *self.building, "--network", "host", "--file", RECIPE),
            *("--target", target, "--build-arg", f"REVISION={revision}"),
            *("--tag", f"nextbest-{target}", "."),
            folder=context,
        )
        if before:
            for image in before - image_ids(f"nextbest-{target}"):
                call("buildah", "rmi", image)

    @contextlib.contextmanager
    def container(
        self, target: str, mounts: Mapping[Path, str], variables: Mapping[str, str]
    ) -> Iterator[Callable[..., list[str]]]:
        """A way to write commands that run in a container of an image; without words, its own.

        Buildah knows no containers that run and end: its container is made here, and commands are
        run in it one after another.
        """
        image = f"nextbest-{target}"
        options = [
            word for here, there in mounts.items() for word in ("--volume", f"{here}:{there}")
        ]
        options += [word for pair in variables.items() for word in ("--env", "=".join(pair))]
        if self.name != "buildah":
            options = [*HARDENED, *NO_GAIN, "--network", "host", *options]
            yield lambda *words: [self.name, "run", "--rm", *options, image, *words]
            return
        own = json.loads(call("buildah", "inspect", "--type", "image", image))
        command = own["OCIv1"]["config"]["Cmd"]
        made = call("buildah", "from", "--pull-never", image).strip()
        start = ["buildah", "run", "--isolation", "chroot", *options, made, "--"]
        try:
            yield lambda *words: [*start, *(words or command)]
        finally:
            call("buildah", "rm", made)


def call(*command: str, folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> str:
    """What a command that succeeds prints.

    Raises
    ------
    InputError
        It fails: the command and the end of what it said.
    """
    ended = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = (ended.stdout + ended.stderr).strip().splitlines()[-15:]
        shown = " ".join([*command[:2], "…", command[-1]] if len(command) > 4 else command)
        raise InputError("\n  ".join([f"'{shown}' ended with {ended.returncode}:", *said]))
    return ended.stdout


def image_ids(name: str) -> set[str]:
    """Ids of buildah's images of a name; none if there are none."""
    asked = ["buildah", "images", "--quiet", name]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return set(ended.stdout.split())


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Print what is being done and, at the end, how many seconds it took."""
    began = time.monotonic()
    print(f"{what} …", flush=True)
    yield
    print(f"{what}: {time.monotonic() - began:.0f} s", flush=True)


def chosen_engine(base: str) -> str:
    """Docker or Podman, if it can start the base image; else buildah.

    Raises
    ------
    InputError
        None of them is here, and this user may not install one.
    """
    for name in ("docker", "podman"):
        starts = [name, "run", "--rm", base, "true"]
        if shutil.which(name) and not subprocess.run(starts, capture_output=True).returncode:  # noqa: S603
            return name
    if os.geteuid() != 0:
        raise InputError(
            f"neither Docker nor Podman can start {base} here, and building without them needs "
            "root: start Docker, or run 'make images' as root of a Debian or Ubuntu"
        )
    if not all(map(shutil.which, TOOLS)):
        if shutil.which("apt-get") is None:
            raise InputError(
                f"neither Docker nor Podman can start {base} here, and there is no apt-get to "
                f"install {' and '.join(TOOLS)}: install them, or start Docker"
            )
        with told("install buildah and debootstrap"):
            call("apt-get", "update", "-qq")
            call(
                "apt-get",
                "install",
                "-y",
                "-qq",
                "--no-install-recommends",
                "ca-certificates",
                *TOOLS,
            )
    return "buildah"


def mirror(listing: str, codename: str) -> str | None:
    """Where apt gets a release from.

    Parameters
    ----------
    listing : str
        Lines of code name and address, as `apt-get indextargets` prints them.
    """
    lines = [line.split(maxsplit=1) for line in listing.splitlines()]
    return next((address for name, address in lines if name == codename), None)


def package_index(variables: Mapping[str, str], pip: str) -> str | None:
    """The package index of this machine: of uv's or pip's variables, else what pip's file names."""
    named = re.compile("(UV|PIP)_(DEFAULT_)?INDEX(_URL)?")
    names = sorted(filter(named.fullmatch, variables), reverse=True)  # uv's go before pip's
    return next((variables[name] for name in names if variables[name]), pip.strip() or None)


def machine_files(index: str | None, apt: str) -> dict[str, str]:
    """What pip, uv and apt are told while an image is built, by where it is looked for.

    Parameters
    ----------
    index : str, optional
        Address of the package index; None is everybody's.
    apt : str
        What `apt-config dump` prints.
    """
    pip, uv = [f"cert = {CERTIFICATES}"], ["system-certs = true"]
    if index is not None:
        pip.append(f"index-url = {index}")
        uv.append(f'[[index]]\nurl = "{index}"\ndefault = true')
    acquire = [line for line in apt.splitlines() if line.startswith("Acquire::")]
    return {
        "/etc/pip.conf": "\n".join(["[global]", *pip, ""]),
        "/etc/uv/uv.toml": "\n".join([*uv, ""]),
        "/etc/apt/apt.conf.d/99machine": "\n".join([*acquire, ""]),
    }


def make_base(root: Path, python: str, codename: str, image: str) -> None:
    """Make an image of a release of Debian and its Python, from the mirror that apt uses."""
    asked = (
        "apt-get",
        "indextargets",
        "--format",
        "$(CODENAME) $(REPO_URI)",
        "Created-By: Packages",
    )
    packages = f"--include={python},{python}-venv,python3-pip,ca-certificates"
    address = mirror(call(*asked), codename)
    call(
        "debootstrap", "--variant=minbase", packages, codename, str(root), *filter(None, [address])
    )
    (root / "usr/bin/python").symlink_to(python)
    (root / f"usr/lib/{python}/EXTERNALLY-MANAGED").unlink(missing_ok=True)
    made = call("buildah", "from", "scratch").strip()
    try:
        call("buildah", "add", "--quiet", made, str(root), "/")
        call(
            "buildah", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", made
        )
        call("buildah", "commit", "--quiet", made, image)
    finally:
        call("buildah", "rm", made)
        shutil.rmtree(root)


@contextlib.contextmanager
def own_store(folder: Path) -> Iterator[None]:
    """Let buildah keep images in a store of its own, where all containers are ours to remove.

    A build that is killed leaves some. One process at a time has the store.

    Raises
    ------
    InputError
        Another one has it.
    """
    STORE.mkdir(mode=0o700, exist_ok=True)
    held = os.open(STORE, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError("another 'make images' runs on this machine; wait for its end") from None
    driver = call("buildah", "info", "--format", "{{.store.GraphDriverName}}").strip()
    places = f'graphroot = "{STORE}"\nrunroot = "{folder}/run"\n'
    (folder / "storage.conf").write_text(f'[storage]\ndriver = "{driver}"\n{places}', "utf-8")
    os.environ["CONTAINERS_STORAGE_CONF"] = str(folder / "storage.conf")
    call("buildah", "rm", "--all")
    try:
        yield
    finally:
        call("buildah", "rm", "--all")
        del os.environ["CONTAINERS_STORAGE_CONF"]
        os.close(held)


def without_engine(base: str, folder: Path) -> tuple[str, ...]:
    """What a build with buildah is given: a base that is made here, isolation without an engine.

    The settings of pip, uv and apt, and the certificates, are lent for the build: none stay in it.
    """
    python, codename = re.findall(r"^python:(3\.\d+)\..*-(\w+)$", base)[0]
    image = f"{BASE}:{python}-{codename}"
    known = ["buildah", "inspect", "--type", "image", image]
    if subprocess.run(known, capture_output=True, check=False).returncode:  # noqa: S603
        with told(f"debootstrap makes {image}"):
            make_base(folder / "base", f"python{python}", codename, image)
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    pip = subprocess.run(asked, capture_output=True, text=True, check=False).stdout  # noqa: S603
    files = machine_files(package_index(os.environ, pip), call("apt-config", "dump"))
    lent = {CERTIFICATES: Path(CERTIFICATES)}
    for place, text in files.items():
        lent[place] = folder / Path(place).name
        lent[place].write_text(text, encoding="utf-8")
    volumes = [word for to, of in lent.items() for word in ("--volume", f"{of}:{to}:ro")]
    return (
        *("--isolation", "chroot", "--ulimit", "nofile=20000:20000", "--format", "docker"),
        *("--pull-never", "--build-arg", f"PYTHON=localhost/{image}", *volumes),
    )


def alone(folder: Path) -> dict[str, str]:
    """Variables for DVC: this interpreter's, and nothing of the user's own settings."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "dvc"),
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "DVC_NO_ANALYTICS": "1",
    }


def mounts(app: Path) -> dict[Path, str]:
    """Where the folders of both images that are written to lie on this machine."""
    return {
        app / "data/products": "/app/data/products",
        app / "models/serving": "/app/models/serving",
        app / "dvc": "/app/.dvc/tmp",
        app / "cache": "/cache",
        app / "state": "/state",
    }


def copy_of_working_tree(folder: Path) -> None:
    """What git knows or would take, as it is now, with a smaller bank."""
    listing = call("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    bank = folder / "pipelines/simulation/params.yaml"
    text, changed = re.subn(
        r"(?m)^(  customers: )\d+", rf"\g<1>{CUSTOMERS}", bank.read_text("utf-8")
    )
    if changed != 1:
        raise InputError(f"{bank.relative_to(folder)} has {changed} lines 'customers:', not one")
    bank.write_text(text, encoding="utf-8")
    call("git", "init", "--quiet", folder=folder)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started in a session of its own, and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # neither buildah nor DVC hands a signal on
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)


@contextlib.contextmanager
def running(
    command: list[str], variables: Mapping[str, str], log: Path, up: Callable[[], bool]
) -> Iterator[None]:
    """A server, from when it is up to the end of the block.

    Raises
    ------
    InputError
        It ends or is not up in time: the end of its log.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            env={**os.environ, **variables},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + LONGEST
        while not up():
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text("utf-8", errors="replace").splitlines()[-15:]
                raise InputError("\n  ".join([f"{command[0]} did not come up:", *said]))
            time.sleep(0.2)
        yield
    finally:
        end(process)


def answers(url: str) -> bool:
    """Whether a server answers at all."""
    try:
        httpx.get(url, trust_env=False, timeout=2)
    except httpx.TransportError:
        return False
    return True


def ask(url: str, key: str, revision: str, recommendations: Path) -> str:
    """Ask the service what a probe, an operator and a branch would, and say what it answered.

    Some of the customers with recommendations are minors or staff, who may be offered nothing; one
    of the first fifty must be offered what is personal.

    Raises
    ------
    InputError
        It answers otherwise than it should.
    """
    customers = pq.read_table(recommendations)["customer"].unique().to_pylist()[:50]
    with httpx.Client(base_url=url, trust_env=False, timeout=10) as client:
        probed = client.get("/health")
        if probed.status_code != 200:
            raise InputError(f"/health answers {probed.status_code}, not 200")
        asked = client.get("/ready")
        if asked.status_code != 401:
            raise InputError(f"/ready without a key answers {asked.status_code}, not 401")
        client.headers["Authorization"] = f"Bearer {key}"
        ready = client.get("/ready").json()
        if not ready.get("ready") or ready["revision"] != revision:
            raise InputError(f"/ready is not ready, or not of revision {revision}: {ready}")
        if not (ready["promoted"] or {}).get("served"):
            raise InputError(f"/ready does not serve what was promoted: {ready['promoted']}")
        for customer in customers:
            got = client.post("/recommendations", params={"k": 3}, json={"customer": customer})
            offers = got.json().get("recommendations")
            if offers and got.json()["source"] == "personal":
                first = offers[0]["product"]
                known = f"{ready['known_customers']} customers of revision {revision}"
                return f"{known}; customer {customer} is offered {first}"
    raise InputError(f"none of {len(customers)} customers is offered anything: {got.text[:500]}")


def promote(bank: Path, variables: Mapping[str, str]) -> str:
    """Commit a bank's run and promote it; returns its revision."""
    who = {"NAME": "images", "EMAIL": "images@localhost"}
    known = {f"GIT_{role}_{key}": who[key] for role in ("AUTHOR", "COMMITTER") for key in who}
    git = ("git", "commit", "--quiet", "--message", "A small bank")
    call("git", "add", "--all", folder=bank)
    call(*git, folder=bank, variables=known)
    revision = call("git", "rev-parse", "HEAD", folder=bank).strip()
    promoting = (sys.executable, "-m", "src.month.promote", revision)
    call(*promoting, folder=bank, variables={**variables, **known})
    return revision[:7]


def contents(folder: Path) -> dict[Path, bytes]:
    """Files of a folder and what is in them."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder): file.read_bytes() for file in files}


def pull(engine: Engine, bank: Path, app: Path, folder: Path) -> None:
    """Push a bank's models to an S3 endpoint of this machine; the pipeline image pulls them.

    Raises
    ------
    InputError
        What it pulled is not what was pushed.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = ["bash", str(ROOT / "deploy/s3/run_s3_server.sh")]
    places = {"S3_PORT": str(port), "S3_FOLDER": str(folder / "s3")}
    with running(server, places, folder / "s3.log", lambda: answers(url)):
        key, secret = (folder / "s3/key").read_text("utf-8").split()
        aws = {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
        }
        call("dvc", "push", "dvc.yaml", folder=bank, variables=alone(folder) | aws)
        with engine.container("pipeline", mounts(app), aws) as command:
            call(*command())
    pulled = contents(app / "data") | contents(app / "models")
    pushed = contents(bank / "data") | contents(bank / "models")
    if not pulled or not pulled.items() <= pushed.items():
        raise InputError(
            f"the pipeline image pulled other files than were pushed: {sorted(pulled)}"
        )


def serve(engine: Engine, app: Path, folder: Path, revision: str) -> str:
    """Start the service image on what was pulled, ask it, stop it; returns what it answered."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {"NEXTBEST_PORT": str(port), "NEXTBEST_METRICS_PORT": str(free_port())}
    variables |= {"NEXTBEST_HOST": "127.0.0.1", "NEXTBEST_METRICS_HOST": "127.0.0.1"}
    with engine.container("service", mounts(app), variables) as command:
        user = call(*command("id", "-u")).strip()
        if user != "10001":
            raise InputError(f"the service image runs as user {user}, not 10001")
        key = call(*command("python", "-m", "src.service.web.keys", "create", "images")).strip()
        with running(command(), {}, folder / "service.log", lambda: answers(f"{url}/health")):
            return ask(url, key, revision, app / paths.RECOMMENDATIONS)


def work(folder: Path) -> None:
    """Do all of it: what is made, but for the images, lies in a folder."""
    (base,) = re.findall(r"^ARG PYTHON=(.*)$", (ROOT / RECIPE).read_text("utf-8"), re.M)
    name = chosen_engine(base)
    with own_store(folder) if name == "buildah" else contextlib.nullcontext():
        build_and_ask(name, base, folder)


def build_and_ask(name: str, base: str, folder: Path) -> None:
    """Run a small bank, build both images, let one pull its models and the other serve them."""
    revision = call("git", "rev-parse", "--short", "HEAD").strip()
    bank = folder / "bank"
    copy_of_working_tree(bank)
    with (folder / "repro.log").open("wb") as log:
        repro = subprocess.Popen(
            ["dvc", "repro"],  # noqa: S607
            cwd=bank,
            env={**os.environ, **alone(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        engine = Engine(name, without_engine(base, folder) if name == "buildah" else ())
        with told(f"dvc repro with {CUSTOMERS} customers, what is left of it"):
            if repro.wait():
                said = (folder / "repro.log").read_text("utf-8").splitlines()[-15:]
                raise InputError("\n  ".join(["dvc repro of a small bank failed:", *said]))
    finally:
        end(repro)
    promoted_revision = promote(bank, alone(folder))
    # As after a month whose models were not promoted: by this lock, nothing could be pulled.
    lock = bank / "dvc.lock"
    lock.write_text(re.sub(r"md5: \w+", f"md5: {'0' * 32}", lock.read_text("utf-8")), "utf-8")
    for target in ("service", "pipeline"):
        with told(f"{name} builds nextbest-{target}"):
            engine.build(target, bank, revision)
    shutil.copy(bank / promoted.LOCK, lock)

    app = folder / "app"
    for source in mounts(app):
        source.mkdir(parents=True)
        source.chmod(0o777)  # the images' user is nobody here
    try:
        with told("nextbest-pipeline pulls the models from S3"):
            pull(engine, bank, app, folder)
        with told("nextbest-service is started, asked, and stopped"):
            print("  " + serve(engine, app, folder, promoted_revision))
    finally:
        if os.geteuid() != 0:  # what the images' user made is not ours to remove
            opened = ("--user", "0", "--volume", f"{app}:/opened", "nextbest-service")
            call(name, "run", "--rm", *opened, "chmod", "-R", "a+rwX", "/opened")


def main() -> None:
    """Work in a temporary folder, and remove it, however this ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="nextbest-images-") as folder:
        work(Path(folder))
    print("Both images work.")


if __name__ == "__main__":
    run(main)
