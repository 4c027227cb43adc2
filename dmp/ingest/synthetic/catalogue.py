"""What the made-up shop sells and shows, and what people browse it with."""

from __future__ import annotations

from dataclasses import dataclass

SHOP_URL = "https://shop.example"


@dataclass(frozen=True, slots=True)
class Product:
    """One product: its slug is the last part of its page's path."""

    product_id: str
    slug: str
    category: str
    price: float


_PRODUCTS = """tech:wireless-earbuds=59.99,usb-c-charger=19.99,e-reader=129.0
tech:smart-speaker=89.0,phone-case=14.99,laptop-stand=34.5,webcam-hd=44.99,power-bank=27.5
home:linen-duvet-set=74.0,cast-iron-pan=42.0,scented-candle=16.0,table-lamp=38.5
home:wool-throw=49.0,storage-baskets=24.0,coffee-grinder=54.99,bath-towels=29.0
fashion:merino-jumper=65.0,canvas-trainers=48.0,rain-jacket=95.0,leather-belt=32.0
fashion:denim-jeans=58.0,silk-scarf=36.0,wool-coat=149.0,cotton-tee=18.0
sport:yoga-mat=26.0,running-shoes=99.0,water-bottle=15.5,cycling-helmet=55.0
sport:resistance-bands=12.99,swim-goggles=14.0,tennis-racket=84.0,foam-roller=21.0
travel:cabin-suitcase=110.0,travel-pillow=17.5,packing-cubes=22.0,day-rucksack=45.0
travel:passport-holder=13.5,walking-poles=39.0,two-man-tent=135.0,head-torch=23.0
food:olive-oil=11.5,coffee-beans=9.75,tea-hamper=35.0,dark-chocolate=6.5
food:chilli-sauce=5.25,sourdough-kit=19.0,cheese-box=41.0,herb-garden=14.75"""

PRODUCTS = tuple(
    Product(f"P{1000 + 37 * n}", slug, category, float(price))
    for n, (category, (slug, price)) in enumerate(
        (line.split(":")[0], item.split("="))
        for line in _PRODUCTS.splitlines()
        for item in line.split(":")[1].split(",")
    )
)
"""All products, in an order that does not follow how often they are bought."""

CATEGORIES = tuple(dict.fromkeys(product.category for product in PRODUCTS))

BLOG_SLUGS = tuple(
    """how-to-pick-a-tent ten-gifts-under-20 caring-for-cast-iron marathon-plan
    packing-light a-guide-to-merino slow-sundays better-coffee-at-home small-space-ideas
    our-packaging-promise summer-reading meet-the-makers""".split()
)

STATIC_PAGES = {
    "/": "Home",
    "/pricing": "Pricing",
    "/products": "Products",
    "/cart": "Cart",
    "/checkout": "Checkout",
    "/help": "Help",
    "/account": "Your account",
}
"""Titles by path of the pages that are neither a product nor an article."""


def _title(slug: str) -> str:
    """Return a slug as a page title."""
    return slug.replace("-", " ").capitalize()


PAGES: dict[str, str] = {
    **STATIC_PAGES,
    **{f"/products/{product.slug}": _title(product.slug) for product in PRODUCTS},
    **{f"/blog/{slug}": _title(slug) for slug in BLOG_SLUGS},
}
"""Titles by path of every page: static ones, then products, then articles."""

FIRST_PRODUCT_PAGE = len(STATIC_PAGES)
FIRST_BLOG_PAGE = len(STATIC_PAGES) + len(PRODUCTS)

QUERIES = tuple(
    query.strip()
    for query in """running shoes,coffee,gift for dad,rain jacket size m,tent,earbuds
    candle,suitcase cabin size,returns,delivery times,yoga mat thick,black jeans,lamp
    discount code,voucher,duvet king size,helmet,trainers white,chocolate vegan,towels
    phone case,where is my order,store near me,student discount,birthday present,scarf
    sourdough,e reader,charger usb c,walking poles,cast iron,wool coat sale,hamper
    opening hours,cancel subscription,size guide,goggles kids,warranty,gift card
    """.replace("\n", ",").split(",")
    if query.strip()
)

PLANS = ("free", "plus", "family")

CAMPAIGNS = (
    ("google", "cpc"),
    ("newsletter", "email"),
    ("facebook", "paid_social"),
    ("instagram", "paid_social"),
    ("bing", "cpc"),
    ("partner", "affiliate"),
)
"""Campaign sources with their medium, the most frequent first."""

REFERRERS = (
    "",
    "https://www.google.com/",
    "https://www.bing.com/",
    "https://duckduckgo.com/",
    "https://news.example/",
    "https://blog.example/gift-guide",
)
"""Where a visit came from when no campaign brought it; '' is a direct visit."""

LOCALES = ("en-GB", "en-US", "en-IE", "cy-GB", "pl-PL", "fr-FR")

_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"
USER_AGENTS = (
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) {_SAFARI}18.5 "
    "Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}137.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Linux; Android 10; K) {_CHROME}137.0.0.0 Mobile Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI}18.4 Safari/605.1.15",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME}136.0.0.0 Safari/537.36 "
    "Edg/136.0.0.0",
    f"Mozilla/5.0 (iPad; CPU OS 17_7 like Mac OS X) {_SAFARI}17.7 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:139.0) Gecko/20100101 Firefox/139.0",
    f"Mozilla/5.0 (X11; Linux x86_64) {_CHROME}137.0.0.0 Safari/537.36",
)
"""Browsers, the most frequent first."""

MODELS = (
    ("ios", "iPhone15,2"),
    ("android", "SM-S918B"),
    ("ios", "iPhone14,5"),
    ("android", "Pixel 8"),
    ("ios", "iPhone16,1"),
    ("android", "SM-A546B"),
    ("ios", "iPad13,18"),
    ("android", "moto g54"),
)
"""Operating system and model of the devices, the most frequent first."""

APP_VERSIONS = ("5.2.0", "5.1.3", "5.1.0", "4.9.8", "4.7.1")
