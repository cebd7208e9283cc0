"""What crosses the bus: events, commands and replies, and who says which to whom.

Events are the stored format. A field that is renamed or dropped makes a new version of its wire type; a stored
sample of every version ever written must still load (`tests/data/events`).
"""
