"""The screen on which a session is shown, and how an app of Textual is run."""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from sfnwatch.cli.narration import is_served, narrate
from sfnwatch.recording.saved_view import SavedView, load_view, save_view, view_path
from sfnwatch.session import signals
from sfnwatch.session.session import Session

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp
    from sfnwatch.tui.picker import PickerApp
    from sfnwatch.tui.screen_settings import ScreenSettings


def show_on_screen(
    session: Session, settings: "ScreenSettings", filter_text: str | None, speed: float
) -> int:
    """Show a session on a screen, as it was last looked at; return the exit code.

    `filter_text` replaces the filter of that time, unless it is None.
    """
    from sfnwatch.tui.app import SfnwatchApp

    created = session.created
    if session.recorder:
        created = session.recorder.header.created
    path: Path | None = None
    view = SavedView()
    if created:
        path = view_path(session.executions, created)
        view = load_view(path)
    if filter_text is not None:
        view = replace(view, filter=filter_text)
    app = SfnwatchApp(session, replace(settings, speed=speed), view)
    signalled = run_app(app)
    if path is not None and app.view_to_save != SavedView():
        # A view that can't be saved is no reason to complain.
        save_view(path, app.view_to_save)
    # Textual reports a crash, and then returns as if all had been well.
    exit_code = signalled or app.return_code
    if exit_code:
        return exit_code
    for refusal in app.screen_state.refusals:
        raise refusal
    return session.conclude(narrate)


def run_app(app: "SfnwatchApp | PickerApp") -> int | None:
    """Run an app; return the exit code of the signal that ended it.

    A signal quits the app as a key would, so that it restores the terminal.
    """

    async def run() -> None:
        if is_served():
            from sfnwatch.cli.server_watch import end_with_server

            end_with_server()
        await app.run_async()

    return signals.run(run, app.exit)
