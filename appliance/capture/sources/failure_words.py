"""What goes wrong with cameras, in plain words: one stable reason, one message, one hint each. Needs no FFmpeg."""

from __future__ import annotations

from appliance.errors import CameraError

# reason -> (message, hint); `{what}` is the camera's address without any password.
WORDS: dict[str, tuple[str, str]] = {
    "unreachable": (
        "Nothing answers at {what}.",
        "Check the address, the cable and that the camera is switched on and in the same network as this box.",
    ),
    "refused": (
        "The camera at {what} refuses the connection.",
        "Switch RTSP on in the camera's own settings and check the port (usually 554).",
    ),
    "unauthorised": (
        "The camera at {what} does not accept the user name or password.",
        "Give a user that may watch the stream with --user; the password is asked for.",
    ),
    "not_found": (
        "There is no such stream or device: {what}.",
        "Check the path; the camera's manual names it, often /stream1, /h264 or /Streaming/Channels/101.",
    ),
    "no_video": (
        "{what} delivers no pictures.",
        "Check that the address names a video stream and that the camera's encoder is on.",
    ),
    "unsupported_codec": ("{what} delivers a codec that is not recorded.", "Set the camera to H.264 or H.265."),
    "timeout": (
        "{what} answers, but too slowly.",
        "Restart the camera, and check the network between it and this box.",
    ),
    "busy": (
        "{what} is in use or has no free stream.",
        "End other viewers of this camera (other recorders, `motion`, a browser) and try again.",
    ),
    "invalid": (
        "What {what} sends cannot be understood.",
        "Check that it is an RTSP camera; if it is, restart it or update its software.",
    ),
    "lost": ("{what} delivers no longer.", "Check its power and network; the box goes on trying."),
    "stream_changed": ("{what} changed its resolution or codec.", "Nothing to do; a new part of the recording begins."),
    "flood": ("{what} sends far more than a camera should.", "Lower its bit rate, or raise capture.max_bitrate_mbit."),
}

PROCESS_ENDED = "The camera's process ended; it is being restarted."


def camera_error(reason: str, what: str) -> CameraError:
    """Return the error for one of the reasons in `WORDS`."""
    message, hint = WORDS[reason]
    return CameraError(message.format(what=what), reason=reason, hint=hint)
