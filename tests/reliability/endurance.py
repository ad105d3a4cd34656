"""Eight hours of watching, in virtual time: what grows, and what is left open."""

import asyncio
import gc
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.retries.standard import ExponentialBackoff

from sfnwatch.demo.history import HistoryEvent
from sfnwatch.demo.play import Run
from sfnwatch.recording.writer import Recorder
from sfnwatch.trace.events import Batch
from tests.sources.simulation import EPOCH, Simulation, Watched
