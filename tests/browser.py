"""Chromium without a screen, for the tests of pages; without it they are skipped."""

import os
import shutil
from contextlib import contextmanager

import pytest
from selenium import webdriver


@contextmanager
def chromium(*, folder=None, size=(1280, 900)):
    """A browser whose window has ``size`` pixels; what a page saves goes to ``folder``."""
    program, service = (shutil.which(name) for name in ("chromium", "chromedriver"))
    if not program or not service:
        pytest.skip("needs Chromium (Debian: apt-get install chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in ("--headless=new", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    if os.geteuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium has none for root, as in a container
    if folder:
        options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(service))
    try:
        driver.set_page_load_timeout(300)  # alone on a machine it takes two seconds
        driver.set_script_timeout(300)
        show(driver, size)
        yield driver
    finally:
        driver.quit()


def show(driver, size, *, scheme="light", media="screen"):
    """Show the page in ``size`` pixels, on a phone if these are few; ``media``: screen or print."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    liked = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": liked})
