"""The Space's settings: what has to be given, and what stands in where nothing is."""

import pytest
from chat_space.settings import Settings

KEY = {"SPACE_SECRET_KEY": "a long random text"}


def test_secrets_may_come_from_files(tmp_path):
    """`SPACE_SECRET_KEY_FILE` names a file; white space around the key is none of it."""
    (tmp_path / "key").write_text("from a file, random\n")
    env = {"SPACE_SECRET_KEY_FILE": str(tmp_path / "key"), "CHAT_AGENT_API_URL": "http://api/"}
    assert Settings.from_env(env).secret_key == "from a file, random"
    assert Settings.from_env(env).api_url == "http://api"


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
