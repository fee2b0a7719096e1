"""A camera's sound on its way into MP4: AAC is copied, everything else (G.711, ADTS, PCM, …) becomes AAC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av

from appliance.capture.sources.base import AudioInfo, SourcePacket
from appliance.clock import SECOND_US

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

AAC_FRAME = 1024
# Sampling rates AAC-LC knows (ISO/IEC 14496-3, table 1.16), as far as cameras have microphones.
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
KBIT_A_CHANNEL = 48


class SoundPath:
    """Takes one audio stream's packets and gives packets for MP4.

    Attributes:
        info: what comes out.
        template: the stream whose parameters the fragmenter copies.
    """

    def __init__(self, stream: AudioStream) -> None:
        """Prepare for one stream.

        Raises:
            av.FFmpegError: it cannot be decoded.
        """
        context = stream.codec_context
        self._copied = context.name == "aac" and bool(context.extradata)
        if self._copied:
            self.template: Any = stream
            self.info = AudioInfo("aac", context.sample_rate, context.channels)
            return
        rate = min((known for known in RATES if known >= context.sample_rate), default=RATES[-1])
        channels = min(2, max(1, context.channels))
        self._open_encoder(rate, channels)
        self.info = AudioInfo("aac", rate, channels)

    def _open_encoder(self, rate: int, channels: int) -> None:
        from appliance.capture.sources.encoding import Nowhere  # noqa: PLC0415  only where sound is transcoded

        layout = "mono" if channels == 1 else "stereo"
        self._container = av.open(Nowhere(), "w", format="mp4", options={"movflags": "empty_moov"})
        self._encoder = self._container.add_stream("aac", rate=rate)
        self._encoder.codec_context.layout = layout
        self._encoder.codec_context.bit_rate = KBIT_A_CHANNEL * 1000 * channels
        self._container.start_encoding()
        self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate, frame_size=AAC_FRAME)
        self.template = self._encoder

    def push(self, packet: Any, arrived_us: int) -> list[SourcePacket]:
        """Return what becomes of one packet that arrived at ``arrived_us``: nothing yet, or one or more.

        A packet of sound arrives when its last sample was spoken; ``arrived_us`` is counted back to its first.

        Raises:
            av.FFmpegError: it is damaged.
        """
        duration = float((packet.duration or 0) * packet.time_base)
        if self._copied:
            return [_packet(packet, arrived_us - round(duration * SECOND_US))]
        stamp = packet.pts if packet.pts is not None else packet.dts
        end = None if stamp is None else float(stamp * packet.time_base) + duration
        done = [
            coded
            for frame in packet.decode()
            for even in self._resampler.resample(frame)
            for coded in self._encoder.encode(even)
        ]
        return [_packet(coded, arrived_us - _age_us(coded, end)) for coded in done]


def _packet(packet: Any, arrived_us: int) -> SourcePacket:
    return SourcePacket(kind="audio", packet=packet, keyframe=True, arrived_us=arrived_us)


def _age_us(coded: Any, end: float | None) -> int:
    if end is None or coded.pts is None:
        return 0
    # More than a second would be a jump of the camera's clock, not the codec's delay.
    return min(SECOND_US, max(0, round((end - float(coded.pts * coded.time_base)) * SECOND_US)))
