import pytest

from app.core.gcra import Quota
from app.core.limit_table import PER_CLIENT, PER_PLAN, Hit, Limit, private_key
from app.core.principal import Plan

pytestmark = pytest.mark.unit


def test_every_limit_but_the_keys_own_has_its_number_in_the_table() -> None:
    assert {*PER_CLIENT, *PER_PLAN, Limit.API_KEY} == set(Limit)
    assert all(set(plans) == set(Plan) for plans in PER_PLAN.values())


@pytest.mark.parametrize(
    ("hit", "quota"),
    [
        (Hit(Limit.LOGIN, "a"), Quota(5, 60)),
        (Hit(Limit.LOGIN_ACCOUNT, "a"), Quota(20, 60)),
        (Hit(Limit.LOGIN_ALL, "a"), Quota(600, 60)),
        (Hit(Limit.REGISTER, "a"), Quota(3, 3600)),
        (Hit(Limit.PASSWORD_MAIL, "a"), Quota(3, 3600)),
        (Hit(Limit.REFRESH, "a"), Quota(30, 60)),
        (Hit(Limit.BAD_CREDENTIAL, "a"), Quota(60, 60)),
        (Hit(Limit.ORGANIZATION, "a"), Quota(100, 60)),
        (Hit(Limit.ORGANIZATION, "a", plan=Plan.PRO), Quota(1000, 60)),
        (Hit(Limit.ORGANIZATION, "a", plan=Plan.ENTERPRISE), Quota(10_000, 60)),
        (Hit(Limit.SUMMARIES_CREATE, "a"), Quota(30, 60)),
        (Hit(Limit.SUMMARIES_CREATE, "a", plan=Plan.PRO), Quota(300, 60)),
        (Hit(Limit.SUMMARIES_CREATE, "a", plan=Plan.ENTERPRISE), Quota(3000, 60)),
        (Hit(Limit.API_KEY, "a", "k", per_minute=50), Quota(50, 60)),
    ],
    ids=lambda value: f"{value.limit}-{value.plan}" if isinstance(value, Hit) else "",
)
def test_table_holds_the_numbers_of_the_contract(hit: Hit, quota: Quota) -> None:
    assert hit.bucket(1).quota == quota


def test_scale_multiplies_every_limit_and_never_reaches_zero() -> None:
    assert Hit(Limit.LOGIN, "a").bucket(1000).quota == Quota(5000, 60)
    assert Hit(Limit.LOGIN, "a").bucket(0.001).quota == Quota(1, 60)


def test_bucket_is_named_by_its_tenant_its_limit_and_its_key() -> None:
    assert Hit(Limit.API_KEY, "acme", "k1", per_minute=1).bucket(1).key == "limit:{acme}:api_key:k1"


def test_private_key_hides_the_address_and_ignores_its_case() -> None:
    assert private_key(" Alice@Example.com") == private_key("alice@example.com")
    assert "alice" not in private_key("alice@example.com")
