"""
What 45 CFR 170.315(b)(11)(iv)(B) asks a predictive intervention to tell of itself: 31 source attributes.

No rule here is predictive: all are fixed rules from published sources. A rule that rests on a learned model says so in
a block ``predictive`` of its ``about``, and then none of these may be missing.
"""

from __future__ import annotations

from typing import Final

PREDICTIVE: Final = {
    "developer_contact": "(1)(i) Name and contact of the developer",
    "funding": "(1)(ii) Funding of the technical implementation",
    "output": "(1)(iii) What value the intervention gives",
    "output_type": "(1)(iv) Prediction, classification, recommendation, evaluation, analysis or other",
    "intended_use": "(2)(i) Intended use",
    "intended_patients": "(2)(ii) Intended patients",
    "intended_users": "(2)(iii) Intended users",
    "intended_role": "(2)(iv) Intended role in decisions",
    "out_of_scope": "(3)(i) Tasks, situations and populations it is not for",
    "known_limits": "(3)(ii) Known risks, unsuitable settings and uses, limits",
    "training_criteria": "(4)(i) What was taken into the training data and what was left out",
    "personal_inputs": "(4)(ii) Personal attributes used as inputs",
    "training_demographics": "(4)(iii) How representative the training data are",
    "training_relevance": "(4)(iv) How the training data fit the setting of use",
    "fairness_approach": "(5)(i) How fairness of its output was sought",
    "bias_approach": "(5)(ii) How bias was managed, reduced or removed",
    "external_source": "(6)(i) Data, setting or environment of external validation",
    "external_party": "(6)(ii) Who validated externally",
    "external_demographics": "(6)(iii) How representative the external data are",
    "external_process": "(6)(iv) How it was validated externally",
    "validity_same_source": "(7)(i) Validity in test data of the same source",
    "fairness_same_source": "(7)(ii) Fairness in test data of the same source",
    "validity_external": "(7)(iii) Validity in external data",
    "fairness_external": "(7)(iv) Fairness in external data",
    "outcomes": "(7)(v) Studies of its use on outcomes",
    "validity_monitoring": "(8)(i) How and how often validity is monitored",
    "validity_local": "(8)(ii) Validity in local data",
    "fairness_monitoring": "(8)(iii) How and how often fairness is monitored",
    "fairness_local": "(8)(iv) Fairness in local data",
    "updates": "(9)(i) How and how often it is updated",
    "corrections": "(9)(ii) How often performance is corrected when risks to validity or fairness are found",
}
"""Name in a rule file → paragraph and what is asked."""
