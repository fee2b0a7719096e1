"""The box's side of a central service: enrolment, what it holds of the centre, what waits for acceptance."""
