"""The screen on which a session is shown, and how an app of Textual is run."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from sfnwatch.cli.narration import is_served, narrate
from sfnwatch.errors import SfnwatchError
from sfnwatch.recording import saved_view
from sfnwatch.session import signals
from sfnwatch.session.session import Session

if TYPE_CHECKING:
    from sfnwatch.tui.app import SfnwatchApp
    from sfnwatch.tui.picker import PickerApp
    from sfnwatch.tui.screen_settings import ScreenSettings


def show_on_screen(
    watched: Session, asked: "ScreenSettings", kept: str | None, speed: float
) -> int:
    """Show it, by a filter or the one that it was last looked at with."""
    from sfnwatch.tui.app import SfnwatchApp

    recorder = watched.recorder
    created = recorder.header.created if recorder else watched.created
    path = saved_view.view_path(watched.executions, created) if created else None
    saved = saved_view.load_view(path) if path else saved_view.SavedView()
    if kept is not None:
        saved = replace(saved, filter=kept)
    app = SfnwatchApp(watched, replace(asked, speed=speed), saved)
    code = run_app(app)
    if path is not None and app.view_to_save != saved_view.SavedView():
        # A comfort: one that can't be kept is no reason to complain.
        saved_view.save_view(path, app.view_to_save)
    # Textual reports a crash, and then returns as if all had been well.
    if code is not None or app.return_code:
        return code or app.return_code or SfnwatchError.exit_code
    for refusal in app.screen_state.refusals:
        raise refusal
    return watched.conclude(narrate)


def run_app(app: "SfnwatchApp | PickerApp") -> int | None:
    """Run it; a signal quits it as a key would, or the terminal stays as the app's."""

    async def shown() -> None:
        if is_served():
            from sfnwatch.cli.server_watch import end_with_server

            # By then there is nobody to draw for.
            end_with_server()
        await app.run_async()

    return signals.run(shown, app.exit)
