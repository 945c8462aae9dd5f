"""The Space's settings: what has to be given, and what stands in where nothing is."""

import pytest
from chat_space.settings import Settings

KEY = {"SPACE_SECRET_KEY": "a long random text"}


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """Variables that name a file each, with the key and with the API's address."""
    (tmp_path / "key").write_text("from a file, random\n")
    (tmp_path / "url").write_text("http://file/\n")
    return {
        "SPACE_SECRET_KEY_FILE": str(tmp_path / "key"),
        "CHAT_AGENT_API_URL_FILE": str(tmp_path / "url"),
    }


def test_the_key_and_the_address_may_come_from_files(files):
    """`NAME_FILE` names the file; white space around what it holds is none of it."""
    assert Settings.from_env(files) == Settings("http://file", "from a file, random")


def test_a_variable_goes_before_its_file(files):
    """As it does for all other parts of the system; an empty one is not set."""
    env = {**KEY, "CHAT_AGENT_API_URL": "http://api/"}
    assert Settings.from_env(files | env) == Settings("http://api", "a long random text")
    assert Settings.from_env(files | dict.fromkeys(env, " ")) == Settings.from_env(files)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    """In a sentence: it isn't there, or is no text."""
    if content:
        (tmp_path / "url").write_bytes(content)
    with pytest.raises(ValueError, match=r"CHAT_AGENT_API_URL_FILE is '.*url', which can't be"):
        Settings.from_env({**KEY, "CHAT_AGENT_API_URL_FILE": str(tmp_path / "url")})


@pytest.mark.parametrize("env", [{}, {"SPACE_SECRET_KEY": " "}, {"SPACE_SECRET_KEY": "short"}])
def test_without_a_key_there_is_no_space(env):
    """The sentence says what it is for, what to set and how to make one."""
    with pytest.raises(ValueError, match=r"SPACE_SECRET_KEY is missing.* This makes one: python"):
        Settings.from_env(env)


def test_the_port_is_7860_unless_the_environment_says_otherwise():
    """PORT wins over GRADIO_SERVER_PORT."""
    assert Settings.from_env(KEY).port == 7860
    assert Settings.from_env(KEY | {"GRADIO_SERVER_PORT": "1"}).port == 1
    assert Settings.from_env(KEY | {"GRADIO_SERVER_PORT": "1", "PORT": "2"}).port == 2


def test_trusted_proxies_are_private_networks_unless_told_otherwise():
    """On Hugging Face everybody is: nothing reaches the container but through its proxy."""
    assert "127.0.0.0/8" in Settings.from_env(KEY).trusted_proxies
    assert Settings.from_env(KEY | {"SPACE_ID": "a/b"}).trusted_proxies == "*"
    chosen = KEY | {"FORWARDED_ALLOW_IPS": "192.0.2.1, 10.0.0.0/8"}
    assert Settings.from_env(chosen).trusted_proxies == "192.0.2.1, 10.0.0.0/8"
    with pytest.raises(ValueError, match="proxy"):
        Settings.from_env(KEY | {"FORWARDED_ALLOW_IPS": "my proxy"})
