"""Start the Space: `python app.py`. Its settings are environment variables; see README.md."""

from chat_space.main import serve

if __name__ == "__main__":
    serve()
