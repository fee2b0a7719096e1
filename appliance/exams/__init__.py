"""The domain: exams, sittings, candidates, seats, time, register, score. Pure: no network, cameras, database or clock.

Time is an argument everywhere. Wall times are microseconds since 1970 in UTC (``_us``); the room's zone is applied
where something is shown. What happens is a history of events (``transitions.Event``); each state is what folding
that history gives, so a later layer stores events and nothing has to be trusted twice.
"""
