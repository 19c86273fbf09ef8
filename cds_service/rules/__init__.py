"""Facts → findings: rules as files, judged with three answers."""
