"""Anterior Knee Pain Scale (Kujala et al., Arthroscopy 1993;9:159): 13 items, 0 to 100, 100 is a knee without trouble.

The scores only. The text is the authors' and the journal's, and no terms that would let it be shipped were found: a
clinic that may use it puts it into `questionnaires/akps.json` of the data directory, options in this order.
"""

from __future__ import annotations

SCORES = (
    (5, 3, 0),  # limp
    (5, 3, 0),  # support
    (5, 3, 2, 0),  # walking
    (10, 8, 5, 0),  # stairs
    (5, 4, 3, 2, 0),  # squatting
    (10, 8, 6, 3, 0),  # running
    (10, 7, 2, 0),  # jumping
    (10, 8, 6, 4, 0),  # prolonged sitting with the knees bent
    (10, 8, 6, 3, 0),  # pain
    (10, 8, 6, 4, 0),  # swelling
    (10, 6, 4, 0),  # painful movements of the kneecap
    (5, 3, 0),  # thigh atrophy
    (5, 3, 0),  # lack of flexion
)
