import pytest

from study_classification.commands import summary
from study_classification.commands.verb import Given
from study_classification.configs import quickstart
from study_classification.errors import ConfigError


def test_of_a_config_or_of_a_run_but_not_of_both():
    with pytest.raises(ConfigError, match="summary takes --config or --workdir, not both"):
        summary.run(Given({"workdir": "x"}, config=quickstart.get_config()))
