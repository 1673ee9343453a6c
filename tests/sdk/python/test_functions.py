"""The SDK's functions, as a back end calls them without a request at hand."""
from uuid import uuid4

import pytest
from supertokens_python.recipe.emailpassword import syncio as emailpassword
from supertokens_python.recipe.emailpassword.interfaces import (
    ConsumePasswordResetTokenOkResult,
    CreateResetPasswordOkResult,
    EmailAlreadyExistsError,
    PasswordPolicyViolationError,
    PasswordResetTokenInvalidError,
    SignInOkResult,
    SignUpOkResult,
    UnknownUserIdError,
    UpdateEmailOrPasswordOkResult,
    WrongCredentialsError,
)
from supertokens_python.recipe.session import syncio as sessions
from supertokens_python.recipe.session.exceptions import (
    InvalidClaimsError,
    TokenTheftError,
    TryRefreshTokenError,
    UnauthorisedError,
)
from supertokens_python.recipe.thirdparty import syncio as thirdparty
from supertokens_python.recipe.userroles import PermissionClaim, UserRoleClaim
from supertokens_python.recipe.userroles import syncio as roles
from supertokens_python.recipe.userroles.interfaces import UnknownRoleError
from supertokens_python.syncio import (
    delete_user,
    get_user,
    get_user_count,
    get_users_newest_first,
    list_users_by_account_info,
)
from supertokens_python.types.base import AccountInfoInput

TENANT = "public"
PASSWORD = "correct horse 1"


def fresh_email():
    return f"functions-{uuid4()}@walk.example"


def signed_up():
    email = fresh_email()
    result = emailpassword.sign_up(TENANT, email, PASSWORD)
    assert isinstance(result, SignUpOkResult)
    return email, result.user, result.recipe_user_id


def new_session(recipe_user_id, payload=None, data=None):
    return sessions.create_new_session_without_request_response(
        TENANT, recipe_user_id, payload or {}, data or {}
    )


def verify(tokens, **options):
    return sessions.get_session_without_request_response(
        tokens["accessToken"], tokens["antiCsrfToken"], **options
    )


def refresh(tokens):
    session = sessions.refresh_session_without_request_response(
        tokens["refreshToken"], anti_csrf_token=tokens["antiCsrfToken"]
    )
    return session.get_all_session_tokens_dangerously()


def test_signs_up_once_per_email_and_in_with_the_right_password_only():
    email, user, recipe_user_id = signed_up()
    assert user.emails == [email]
    assert user.tenant_ids == [TENANT]
    assert recipe_user_id.get_as_string() == user.id
    again = emailpassword.sign_up(TENANT, email, "another one 2")
    assert isinstance(again, EmailAlreadyExistsError)
    wrong = emailpassword.sign_in(TENANT, email, "wrong horse 1")
    assert isinstance(wrong, WrongCredentialsError)
    right = emailpassword.sign_in(TENANT, email, PASSWORD)
    assert isinstance(right, SignInOkResult)
    assert right.user.id == user.id


def test_finds_a_user_by_id_by_email_and_in_the_list():
    email, user, _ = signed_up()
    assert get_user(user.id).to_json() == user.to_json()
    assert get_user("not-a-user") is None
    found = list_users_by_account_info(TENANT, AccountInfoInput(email=email))
    assert [one.id for one in found] == [user.id]
    assert len(get_users_newest_first(TENANT, limit=1).users) == 1
    assert get_user_count() >= 1


def test_creates_verifies_changes_and_revokes_a_session():
    _, user, recipe_user_id = signed_up()
    session = new_session(recipe_user_id, {"colour": "green"}, {"secret": 7})
    tokens = session.get_all_session_tokens_dangerously()
    assert tokens["refreshToken"] and tokens["antiCsrfToken"]

    verified = verify(tokens)
    assert verified.get_user_id() == user.id
    assert verified.get_access_token_payload()["colour"] == "green"
    assert verified.sync_get_session_data_from_database() == {"secret": 7}
    assert verify(tokens, check_database=True).get_handle() == session.get_handle()

    verified.sync_merge_into_access_token_payload({"colour": "blue"})
    changed = verify(verified.get_all_session_tokens_dangerously())
    assert changed.get_access_token_payload()["colour"] == "blue"
    changed.sync_update_session_data_in_database({"secret": 8})
    information = sessions.get_session_information(session.get_handle())
    assert information.session_data_in_database == {"secret": 8}

    broken = dict(tokens, accessToken=tokens["accessToken"][:-8] + "AAAAAAAA")
    with pytest.raises(TryRefreshTokenError):
        verify(broken)

    assert sessions.get_all_session_handles_for_user(user.id) == [session.get_handle()]
    assert sessions.revoke_session(session.get_handle()) is True
    assert sessions.revoke_session(session.get_handle()) is False
    assert sessions.get_session_information(session.get_handle()) is None
    with pytest.raises(UnauthorisedError):
        refresh(tokens)
    with pytest.raises(UnauthorisedError):
        verify(tokens, check_database=True)


def test_refreshes_a_session_again_while_the_reply_may_have_been_lost():
    _, _, recipe_user_id = signed_up()
    session = new_session(recipe_user_id)
    first = session.get_all_session_tokens_dangerously()
    lost = refresh(first)
    assert lost["refreshToken"] != first["refreshToken"]
    second = refresh(first)
    assert verify(second).get_handle() == session.get_handle()
    assert verify(refresh(second)).get_handle() == session.get_handle()


def test_detects_a_stolen_refresh_token():
    _, user, recipe_user_id = signed_up()
    session = new_session(recipe_user_id)
    stolen = session.get_all_session_tokens_dangerously()
    verify(refresh(stolen))  # The first use of the new token makes the old one worthless.
    with pytest.raises(TokenTheftError) as theft:
        refresh(stolen)
    assert theft.value.session_handle == session.get_handle()
    assert theft.value.user_id == user.id
    assert theft.value.recipe_user_id.get_as_string() == user.id


def test_revokes_all_sessions_of_a_user():
    _, user, recipe_user_id = signed_up()
    handles = {new_session(recipe_user_id).get_handle() for _ in range(3)}
    assert set(sessions.revoke_all_sessions_for_user(user.id)) == handles
    assert sessions.get_all_session_handles_for_user(user.id) == []


def test_grants_roles_and_puts_them_into_the_session():
    _, user, recipe_user_id = signed_up()
    role = f"editor-{uuid4()}"
    assert roles.create_new_role_or_add_permissions(role, ["read", "write"]).created_new_role is True
    assert roles.create_new_role_or_add_permissions(role, ["delete"]).created_new_role is False
    assert sorted(roles.get_permissions_for_role(role).permissions) == ["delete", "read", "write"]
    assert roles.add_role_to_user(TENANT, user.id, role).did_user_already_have_role is False
    assert roles.add_role_to_user(TENANT, user.id, role).did_user_already_have_role is True
    unknown = roles.add_role_to_user(TENANT, user.id, "no-such-role")
    assert isinstance(unknown, UnknownRoleError)
    assert roles.get_roles_for_user(TENANT, user.id).roles == [role]
    assert roles.get_users_that_have_role(TENANT, role).users == [user.id]
    assert role in roles.get_roles_that_have_permission("write").roles
    assert role in roles.get_all_roles().roles

    session = new_session(recipe_user_id)
    session.sync_assert_claims([UserRoleClaim.validators.includes(role)])
    session.sync_assert_claims([PermissionClaim.validators.includes("delete")])
    with pytest.raises(InvalidClaimsError):
        session.sync_assert_claims([UserRoleClaim.validators.includes("owner")])

    roles.remove_permissions_from_role(role, ["delete"])
    assert sorted(roles.get_permissions_for_role(role).permissions) == ["read", "write"]
    assert roles.remove_user_role(TENANT, user.id, role).did_user_have_role is True
    assert roles.get_roles_for_user(TENANT, user.id).roles == []
    assert roles.delete_role(role).did_role_exist is True
    assert isinstance(roles.get_permissions_for_role(role), UnknownRoleError)


def test_changes_email_and_password():
    email, user, recipe_user_id = signed_up()
    other_email, _, _ = signed_up()
    new_email = fresh_email()
    update = emailpassword.update_email_or_password
    assert isinstance(update(recipe_user_id, email=other_email), EmailAlreadyExistsError)
    assert isinstance(update(recipe_user_id, email=new_email), UpdateEmailOrPasswordOkResult)
    assert isinstance(update(recipe_user_id, password="brand new 99"), UpdateEmailOrPasswordOkResult)
    assert isinstance(update(recipe_user_id, password="weak"), PasswordPolicyViolationError)
    assert get_user(user.id).emails == [new_email]
    sign_in = emailpassword.sign_in
    assert isinstance(sign_in(TENANT, email, PASSWORD), WrongCredentialsError)
    assert isinstance(sign_in(TENANT, new_email, PASSWORD), WrongCredentialsError)
    assert isinstance(sign_in(TENANT, new_email, "brand new 99"), SignInOkResult)


def test_a_reset_token_works_once():
    email, user, _ = signed_up()
    created = emailpassword.create_reset_password_token(TENANT, user.id, email)
    assert isinstance(created, CreateResetPasswordOkResult)
    unknown = emailpassword.create_reset_password_token(TENANT, "not-a-user", email)
    assert isinstance(unknown, UnknownUserIdError)
    consume = emailpassword.consume_password_reset_token
    assert isinstance(consume(TENANT, "not-a-token"), PasswordResetTokenInvalidError)
    consumed = consume(TENANT, created.token)
    assert isinstance(consumed, ConsumePasswordResetTokenOkResult)
    assert (consumed.email, consumed.user_id) == (email, user.id)
    assert isinstance(consume(TENANT, created.token), PasswordResetTokenInvalidError)


def test_deletes_a_user():
    email, user, recipe_user_id = signed_up()
    handle = new_session(recipe_user_id).get_handle()
    delete_user(user.id)
    assert get_user(user.id) is None
    assert sessions.get_session_information(handle) is None
    assert isinstance(emailpassword.sign_up(TENANT, email, PASSWORD), SignUpOkResult)


def test_creates_a_third_party_user_once():
    subject, email = str(uuid4()), fresh_email()
    create = thirdparty.manually_create_or_update_user
    first = create(TENANT, "local", subject, email, True)
    assert first.created_new_recipe_user is True
    assert [(info.id, info.user_id) for info in first.user.third_party] == [("local", subject)]
    second = create(TENANT, "local", subject, email, True)
    assert second.created_new_recipe_user is False
    assert second.user.id == first.user.id
